/* Lets the k-th call of the system that concerns a file below a folder fail, write only a part, or
 * be the last one of its process. Loaded before the C library, so that SQLite's calls count as well.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

enum { MAKE = 1, WRITE = 2, READ = 4, SYNC = 8, NAME = 16, LOOK = 32 };
enum { ONCE = 0, FROM_THEN_ON = 1, SHORT = 2, KILL = 3, TORN = 4 };

static char root[4096];
static int kinds, way, number, report = -1;
static long left;
static char *opened[4096];

void faults_arm(const char *folder, int which, int how, int error, long k, int to)
{
    strncpy(root, folder, sizeof root - 1);
    kinds = which, way = how, number = error, report = to;
    left = k;
}

void faults_disarm(void) { root[0] = 0; }

static int is_ours(const char *path)
{
    return root[0] && path && strncmp(path, root, strlen(root)) == 0;
}

static const char *name_of(int fd)
{
    return root[0] && fd >= 0 && fd < 4096 ? opened[fd] : NULL;
}

static void tell(const char *call, const char *path)
{
    char text[4300];
    int size = snprintf(text, sizeof text, "%s %s\n", call, path);
    if (report >= 0) syscall(SYS_write, report, text, size);
}

/* Counts a call: 0 to go on, -1 to fail, 1 to write a part. */
static int fault(int kind, const char *call, const char *path)
{
    if (!path || !(kinds & kind)) return 0;
    long now = __sync_sub_and_fetch(&left, 1);
    if (now > 0 || (now < 0 && way != FROM_THEN_ON)) return 0;
    if (now == 0) tell(call, path);
    if (way == KILL) syscall(SYS_kill, getpid(), SIGKILL);
    if (way == SHORT || way == TORN) return 1;
    errno = number;
    return -1;
}

static int opening(int at, const char *path, int flags, int mode)
{
    const char *ours = is_ours(path) ? path : NULL;
    if (fault(flags & (O_CREAT | O_TRUNC) ? MAKE : LOOK, "open", ours) < 0) return -1;
    int fd = syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0 && fd < 4096) opened[fd] = ours ? strdup(path) : NULL;
    return fd;
}

#define MODE                                       \
    int mode = 0;                                  \
    if (flags & (O_CREAT | O_TMPFILE)) {           \
        va_list rest;                              \
        va_start(rest, flags);                     \
        mode = va_arg(rest, int);                  \
        va_end(rest);                              \
    }

int open(const char *path, int flags, ...) { MODE return opening(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opening(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE return opening(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE return opening(at, path, flags, mode); }

int close(int fd)
{
    if (fd >= 0 && fd < 4096) opened[fd] = NULL;
    return syscall(SYS_close, fd);
}

static ssize_t writing(int fd, const void *data, size_t size, off_t place, int has_place)
{
    int found = size ? fault(WRITE, "write", name_of(fd)) : 0;
    if (found < 0) return -1;
    if (found > 0 && size > 1) size /= 2;
    ssize_t done = has_place ? syscall(SYS_pwrite64, fd, data, size, place)
                             : syscall(SYS_write, fd, data, size);
    if (found > 0 && way == TORN) syscall(SYS_kill, getpid(), SIGKILL);
    return done;
}

ssize_t write(int fd, const void *data, size_t size) { return writing(fd, data, size, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return writing(fd, data, size, at, 1); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { return writing(fd, data, size, at, 1); }

ssize_t read(int fd, void *data, size_t size)
{
    return fault(READ, "read", name_of(fd)) < 0 ? -1 : syscall(SYS_read, fd, data, size);
}

ssize_t pread(int fd, void *data, size_t size, off_t at)
{
    return fault(READ, "read", name_of(fd)) < 0 ? -1 : syscall(SYS_pread64, fd, data, size, at);
}

ssize_t pread64(int fd, void *data, size_t size, off64_t at) { return pread(fd, data, size, at); }

int fsync(int fd) { return fault(SYNC, "fsync", name_of(fd)) < 0 ? -1 : syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return fault(SYNC, "fsync", name_of(fd)) < 0 ? -1 : syscall(SYS_fdatasync, fd); }
int ftruncate(int fd, off_t size) { return fault(WRITE, "truncate", name_of(fd)) < 0 ? -1 : syscall(SYS_ftruncate, fd, size); }
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

#define OURS(path) (is_ours(path) ? path : NULL)

int rename(const char *from, const char *to)
{
    return fault(NAME, "rename", OURS(to)) < 0 ? -1 : syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
}

int mkdir(const char *path, mode_t mode)
{
    return fault(MAKE, "mkdir", OURS(path)) < 0 ? -1 : syscall(SYS_mkdirat, AT_FDCWD, path, mode);
}

int unlink(const char *path)
{
    return fault(NAME, "unlink", OURS(path)) < 0 ? -1 : syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
    return fault(NAME, "rmdir", OURS(path)) < 0 ? -1 : syscall(SYS_unlinkat, AT_FDCWD, path, AT_REMOVEDIR);
}

int chmod(const char *path, mode_t mode)
{
    return fault(NAME, "chmod", OURS(path)) < 0 ? -1 : syscall(SYS_fchmodat, AT_FDCWD, path, mode);
}
