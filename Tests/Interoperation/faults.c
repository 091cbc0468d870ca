/* Preloaded into Baton by the tests: fails calls and moves the clock as files in $BATON_FAULTS say.
   `sync`, `write`, `read`: while the file is there, calls on regular files below `spool/log` fail with EIO.
   `clock`: seconds by which the wall clock is ahead. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int is_set(const char *what) {
    static const char *folder;
    char path[PATH_MAX];
    if (!folder && !(folder = getenv("BATON_FAULTS"))) return 0;
    snprintf(path, sizeof path, "%s/%s", folder, what);
    return access(path, F_OK) == 0;
}

static int fails(const char *what, int fd) {
    char link[64], path[PATH_MAX];
    int kept = errno, result = 0;
    if (is_set(what)) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, path, sizeof path - 1);
        if (length > 0) {
            path[length] = 0;
            result = strstr(path, "/spool/log/") != NULL;
        }
    }
    errno = result ? EIO : kept;
    return result;
}

#define REAL(name) (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = REAL(fdatasync);
    return fails("sync", fd) ? -1 : real(fd);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = REAL(fsync);
    return fails("sync", fd) ? -1 : real(fd);
}

ssize_t pwritev(int fd, const struct iovec *list, int count, off_t offset) {
    static ssize_t (*real)(int, const struct iovec *, int, off_t);
    if (!real) real = REAL(pwritev);
    return fails("write", fd) ? -1 : real(fd, list, count, offset);
}

ssize_t pread(int fd, void *buffer, size_t count, off_t offset) {
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (!real) real = REAL(pread);
    return fails("read", fd) ? -1 : real(fd, buffer, count, offset);
}

int clock_gettime(clockid_t which, struct timespec *time) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = REAL(clock_gettime);
    int result = real(which, time);
    if (result == 0 && which == CLOCK_REALTIME && is_set("clock")) {
        char path[PATH_MAX], text[32] = "";
        snprintf(path, sizeof path, "%s/clock", getenv("BATON_FAULTS"));
        FILE *file = fopen(path, "r");
        if (file) {
            if (fgets(text, sizeof text, file)) time->tv_sec += atol(text);
            fclose(file);
        }
    }
    return result;
}
