#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of <linux/landlock.h>, which older headers lack; numbers are the same on all architectures. */
#ifndef __NR_landlock_create_ruleset
#define __NR_landlock_create_ruleset 444
#define __NR_landlock_add_rule 445
#define __NR_landlock_restrict_self 446
#endif

struct ruleset_attributes { uint64_t handled_access_fs; };
struct path_attributes { uint64_t allowed_access; int32_t parent_fd; } __attribute__((packed));

int baton_landlock_version(void) {
    long version = syscall(__NR_landlock_create_ruleset, NULL, 0, 1U);
    return version > 0 ? (int)version : 0;
}

int baton_landlock_ruleset(uint64_t handled) {
    struct ruleset_attributes attributes = { handled };
    long descriptor = syscall(__NR_landlock_create_ruleset, &attributes, sizeof attributes, 0);
    return descriptor >= 0 ? (int)descriptor : -errno;
}

int baton_landlock_allow(int ruleset, const char *path, uint64_t rights) {
    int descriptor = open(path, O_PATH | O_CLOEXEC);
    if (descriptor < 0) return errno;
    struct stat facts;
    /* Rights that only directories have make the call fail for a file. */
    if (fstat(descriptor, &facts) == 0 && !S_ISDIR(facts.st_mode)) rights &= 0x1 | 0x2 | 0x4 | (1ULL << 14);
    struct path_attributes attributes = { rights, descriptor };
    int result = syscall(__NR_landlock_add_rule, ruleset, 1, &attributes, 0) == 0 ? 0 : errno;
    close(descriptor);
    return result;
}

int baton_landlock_enforce(int ruleset) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    return syscall(__NR_landlock_restrict_self, ruleset, 0) == 0 ? 0 : errno;
}

#if defined(__x86_64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OWN_ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSE RETURN(SECCOMP_RET_ERRNO | EPERM)
/* Refuses the call whose number is loaded. */
#define REFUSE_CALL(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##name, 0, 1), REFUSE

int baton_seccomp_enforce(int allows_programs) {
#ifndef OWN_ARCHITECTURE
    (void)allows_programs;
    return ENOSYS;
#else
    struct sock_filter filter[] = {
        LOAD(arch),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OWN_ARCHITECTURE, 1, 0),
        RETURN(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
#if defined(__x86_64__)
        /* The x32 calls would go past every comparison below. */
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), REFUSE,
#endif
        /* Other processes. */
        REFUSE_CALL(ptrace), REFUSE_CALL(process_vm_readv), REFUSE_CALL(process_vm_writev), REFUSE_CALL(kcmp),
        REFUSE_CALL(pidfd_getfd), REFUSE_CALL(perf_event_open), REFUSE_CALL(userfaultfd),
        /* The kernel and the machine. */
        REFUSE_CALL(bpf), REFUSE_CALL(init_module), REFUSE_CALL(finit_module), REFUSE_CALL(delete_module),
        REFUSE_CALL(kexec_load), REFUSE_CALL(reboot), REFUSE_CALL(swapon), REFUSE_CALL(swapoff), REFUSE_CALL(acct),
        REFUSE_CALL(settimeofday), REFUSE_CALL(clock_settime), REFUSE_CALL(adjtimex), REFUSE_CALL(clock_adjtime),
        REFUSE_CALL(sethostname), REFUSE_CALL(setdomainname), REFUSE_CALL(syslog), REFUSE_CALL(quotactl),
        REFUSE_CALL(add_key), REFUSE_CALL(request_key), REFUSE_CALL(keyctl), REFUSE_CALL(personality),
        REFUSE_CALL(io_uring_setup),
        /* Another view of the file system. */
        REFUSE_CALL(mount), REFUSE_CALL(umount2), REFUSE_CALL(pivot_root), REFUSE_CALL(chroot), REFUSE_CALL(unshare),
        REFUSE_CALL(setns), REFUSE_CALL(open_by_handle_at), REFUSE_CALL(fsopen), REFUSE_CALL(fsmount), REFUSE_CALL(move_mount),
        REFUSE_CALL(open_tree),
        /* Another user. */
        REFUSE_CALL(setuid), REFUSE_CALL(setgid), REFUSE_CALL(setreuid), REFUSE_CALL(setregid), REFUSE_CALL(setresuid),
        REFUSE_CALL(setresgid), REFUSE_CALL(setgroups), REFUSE_CALL(setfsuid), REFUSE_CALL(setfsgid), REFUSE_CALL(capset),
        /* Only mail's own families of sockets, and the one by which the C library asks for addresses. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 6),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 4, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 1, 0),
        REFUSE,
        LOAD(nr),
        /* Memory that is written and run. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mmap, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_mprotect, 0, 4),
        LOAD(args[2]),
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 0, 1),
        REFUSE,
        LOAD(nr),
        /* Other programs. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allows_programs ? 0xffffffffU : __NR_execve, 0, 1), REFUSE,
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allows_programs ? 0xffffffffU : __NR_execveat, 0, 1), REFUSE,
#if defined(__x86_64__)
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allows_programs ? 0xffffffffU : __NR_fork, 0, 1), REFUSE,
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allows_programs ? 0xffffffffU : __NR_vfork, 0, 1), REFUSE,
#endif
        /* The arguments of clone3 lie in memory where no filter sees them: the C library then uses clone. */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allows_programs ? 0xffffffffU : __NR_clone3, 0, 1),
        RETURN(SECCOMP_RET_ERRNO | ENOSYS),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, allows_programs ? 0xffffffffU : __NR_clone, 0, 3),
        LOAD(args[0]),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0),
        REFUSE,
        RETURN(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = { sizeof filter / sizeof filter[0], filter };
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    long result = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    /* With TSYNC a positive result is the thread that could not be brought along. */
    return result == 0 ? 0 : result > 0 ? EBUSY : errno;
#endif
}

int baton_hide_memory(void) {
    struct rlimit none = { 0, 0 };
    if (setrlimit(RLIMIT_CORE, &none) != 0) return errno;
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
}
