/* Landlock, seccomp and prctl of Linux, which have no functions in the C library or take varying arguments. */
#ifndef BATON_CSANDBOX_H
#define BATON_CSANDBOX_H

#include <stddef.h>
#include <stdint.h>

/* The version of Landlock that the kernel has; 0 without. */
int baton_landlock_version(void);
/* A new ruleset that handles these rights; a descriptor, or a negative errno. */
int baton_landlock_ruleset(uint64_t handled);
/* Lets what lies below `path` be used with these rights; 0 or an errno. */
int baton_landlock_allow(int ruleset, const char *path, uint64_t rights);
/* Puts the ruleset in force for this thread and those it will start; 0 or an errno. */
int baton_landlock_enforce(int ruleset);

/* Refuses, for all threads and for good, what a mail server never does: 0 or an errno.
   `allows_programs` leaves fork and exec. */
int baton_seccomp_enforce(int allows_programs);

/* No core dumps, and no reading of this process's memory by others of the same user: 0 or an errno. */
int baton_hide_memory(void);

/* Attempts at what a process in the sandbox must not be able to do; each returns 0 when it succeeded, else an errno. */
int baton_attempt_read(const char *path);
int baton_attempt_write(const char *path);
int baton_attempt_program(const char *path);
int baton_attempt_socket(int family);
int baton_attempt_executable_memory(void);
int baton_attempt_trace(void);
int baton_attempt_namespace(void);
int baton_attempt_user(void);
/* Whether the kernel would write a core of this process. */
int baton_is_dumpable(void);

#endif
