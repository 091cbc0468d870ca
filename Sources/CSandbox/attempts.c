#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int baton_attempt_read(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return errno;
    close(descriptor);
    return 0;
}

int baton_attempt_write(const char *path) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (descriptor < 0) return errno;
    close(descriptor);
    unlink(path);
    return 0;
}

int baton_attempt_program(const char *path) {
    char *arguments[] = { (char *)path, NULL };
    char *environment[] = { NULL };
    pid_t process;
    int result = posix_spawn(&process, path, NULL, NULL, arguments, environment);
    if (result == 0) waitpid(process, NULL, 0);
    return result;
}

int baton_attempt_socket(int family) {
    int descriptor = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return errno;
    close(descriptor);
    return 0;
}

int baton_attempt_executable_memory(void) {
    void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return errno;
    munmap(memory, 4096);
    return 0;
}

int baton_attempt_trace(void) { return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0 ? 0 : errno; }

int baton_attempt_namespace(void) { return unshare(CLONE_FS) == 0 ? 0 : errno; }

int baton_attempt_user(void) { return setuid(getuid()) == 0 ? 0 : errno; }

int baton_is_dumpable(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_cur != 0) return 1;
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0;
}
