#include "module/imports.h"

#include "base/mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whoever owns the running program could replace it, so trusting them adds nothing. */
static bool owner_trusted(uid_t owner)
{
    struct stat program;
    return owner == 0 || owner == geteuid() ||
           (stat("/proc/self/exe", &program) == 0 && owner == program.st_uid);
}

/* In a sticky folder anyone may put a name, but only its owner may change it. */
static int check_folder(const char *folder, const char *entry, struct module_error *why)
{
    struct stat st;
    if (stat(folder, &st) < 0)
        return imports_refuse(why, -errno, "%s: %s", folder, strerror(errno));
    if (!(st.st_mode & S_IWOTH))
        return 0;
    if (!(st.st_mode & S_ISVTX))
        return imports_refuse(why, -EPERM, "%s: the folder is writable by everyone", folder);
    if (lstat(entry, &st) < 0)
        return imports_refuse(why, -errno, "%s: %s", entry, strerror(errno));
    if (!owner_trusted(st.st_uid))
        return imports_refuse(why, -EPERM, "%s: belongs to a stranger in a shared folder", entry);
    return 0;
}

static char *text_prefix(const char *text, size_t len)
{
    char *prefix = mem_alloc(len + 1);
    memcpy(prefix, text, len);
    prefix[len] = '\0';
    return prefix;
}

/* Every folder an absolute path leads through. */
static int check_way(const char *path, struct module_error *why)
{
    int rc = 0;
    for (const char *slash = path, *next; slash && rc == 0; slash = next) {
        next = strchr(slash + 1, '/');
        char *folder = text_prefix(path, slash == path ? 1 : (size_t)(slash - path));
        char *entry = text_prefix(path, next ? (size_t)(next - path) : strlen(path));
        rc = check_folder(folder, entry, why);
        mem_free(folder);
        mem_free(entry);
    }
    return rc;
}

/* The way as it was written counts too: it may lead through a symbolic link that a
 * stranger could turn elsewhere. */
static int check_written_way(const char *file, struct module_error *why)
{
    if (file[0] == '/')
        return check_way(file, why);
    char *here = getcwd(NULL, 0);
    if (!here)
        return imports_refuse(why, -errno, "%s: %s", file, strerror(errno));
    size_t size = strlen(here) + strlen(file) + 2;
    char *path = mem_alloc(size);
    (void)snprintf(path, size, "%s/%s", here, file);
    int rc = check_way(path, why);
    mem_free(path);
    free(here);
    return rc;
}

static int check_file(const char *file, struct module_error *why)
{
    struct stat st;
    if (lstat(file, &st) < 0)
        return imports_refuse(why, -errno, "%s: %s", file, strerror(errno));
    if (S_ISLNK(st.st_mode))
        return imports_refuse(why, -EPERM, "%s: is a symbolic link", file);
    if (!S_ISREG(st.st_mode))
        return imports_refuse(why, -EPERM, "%s: is not a regular file", file);
    if (st.st_mode & S_IWOTH)
        return imports_refuse(why, -EPERM, "%s: is writable by everyone", file);
    return 0;
}

int imports_trust(const char *file, char **real, struct module_error *why)
{
    int rc = check_file(file, why);
    if (rc == 0)
        rc = check_written_way(file, why);
    if (rc < 0)
        return rc;
    char *path = realpath(file, NULL);
    if (!path)
        return imports_refuse(why, -errno, "%s: %s", file, strerror(errno));
    rc = check_way(path, why);
    if (rc == 0)
        rc = check_file(path, why);
    if (rc < 0) {
        free(path);
        return rc;
    }
    *real = path;
    return 0;
}
