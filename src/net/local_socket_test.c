#include "net/local_socket.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/test.h"

static int call(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(to.sun_path, path, strlen(path));
    if (!connect(fd, (struct sockaddr *)&to, sizeof to)) return fd;
    (void)close(fd);
    return -1;
}

static const char *in_folder(const char *name)
{
    static char folder[] = "/tmp/local-socket-XXXXXX", path[64];
    static bool made;

    if (!made && !mkdtemp(folder)) abort();
    made = true;
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* Whatever the umask, for which of two modes. */
TEST(the_file_has_its_mode_and_goes_with_the_socket, t)
{
    static const mode_t masks[] = {0, 022, 077};
    const char *path = in_folder("a");
    mode_t before = umask(0);

    for (size_t i = 0; i < 2 * COUNT_OF(masks); i++) {
        struct local_socket_options o = {.path = path, .mode = i % 2 ? 0600 : 0660};
        struct fan_error err = {""};
        struct local_socket s;
        struct stat about;
        int fd;

        (void)umask(masks[i / 2]);
        REQUIRE(t, local_socket_open(&o, &s, &err) == FAN_OK);
        REQUIRE(t, stat(path, &about) == 0);
        CHECK_EQ(t, about.st_mode & 0777, o.mode);
        fd = call(path);
        CHECK(t, fd >= 0);
        (void)close(fd);
        local_socket_close(&s);
        CHECK(t, stat(path, &about) != 0 && errno == ENOENT);
        local_socket_close(&s); /* once more is fine */
    }
    (void)umask(before);
}

TEST(a_dead_socket_is_replaced_a_live_one_and_a_file_are_not, t)
{
    const char *path = in_folder("b");
    struct local_socket_options o = {.path = path, .mode = 0600};
    struct fan_error err = {""};
    struct local_socket first, second;
    FILE *f;

    REQUIRE(t, local_socket_open(&o, &first, &err) == FAN_OK);
    CHECK_EQ(t, local_socket_open(&o, &second, &err), FAN_EEXIST);
    CHECK(t, strstr(err.text, "another process listens there") && strstr(err.text, path));
    (void)close(first.fd); /* as a process that is killed: the file stays */
    REQUIRE(t, local_socket_open(&o, &second, &err) == FAN_OK);
    first.open = false;
    local_socket_close(&second);

    f = fopen(path, "w");
    REQUIRE(t, f != NULL);
    (void)fclose(f);
    CHECK_EQ(t, local_socket_open(&o, &second, &err), FAN_EINVAL);
    CHECK(t, strstr(err.text, "no socket"));
    CHECK_EQ(t, access(path, F_OK), 0);
    (void)unlink(path);
}

/* The predecessor keeps its socket, and its end does not take the successor's file away. */
TEST(a_successor_takes_the_path_over, t)
{
    const char *path = in_folder("c");
    struct local_socket_options o = {.path = path, .mode = 0600};
    struct fan_error err = {""};
    struct local_socket first, second;
    int fd;

    REQUIRE(t, local_socket_open(&o, &first, &err) == FAN_OK);
    o.takeover = true;
    REQUIRE(t, local_socket_open(&o, &second, &err) == FAN_OK);
    local_socket_close(&first);
    CHECK_EQ(t, access(path, F_OK), 0);
    fd = call(path);
    CHECK(t, fd >= 0);
    (void)close(fd);
    local_socket_close(&second);
    CHECK(t, access(path, F_OK) != 0);
}

TEST(a_path_that_does_not_fit_says_so, t)
{
    char path[200];
    struct fan_error err = {""};
    struct local_socket s;

    memset(path, 'x', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    CHECK_EQ(t, local_socket_open(&(struct local_socket_options){.path = path}, &s, &err), FAN_EINVAL);
    CHECK(t, strstr(err.text, "at most 107 bytes"));
    CHECK_EQ(t, local_socket_open(&(struct local_socket_options){.path = ""}, &s, &err), FAN_EINVAL);
    CHECK_EQ(t, local_socket_open(&(struct local_socket_options){.path = "/nowhere/at/all"}, &s, &err), FAN_ESYSTEM);
    CHECK(t, strstr(err.text, "No such file"));
    local_socket_close(&s);
}
