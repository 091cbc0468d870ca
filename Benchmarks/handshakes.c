/* handshakes: SMTP sessions with a TLS handshake each, as many as a server can take.
 *
 *   handshakes -p PORT -n SESSIONS [-c PROCESSES] [-v 2|3] [-r | -0]
 *
 * Each session: connect, greeting, EHLO, STARTTLS, handshake (TLS 1.2 or 1.3), EHLO, QUIT. With -r a session of TLS is
 * resumed; with -0 there is no STARTTLS, for what the rest of the session costs. Prints one line of JSON: sessions,
 * how many were resumed, failures, seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct counts { long done, resumed, failed; };

static int port = 2525, version = TLS1_3_VERSION, resumes, plain;
static SSL_SESSION *session;

static int keep(SSL *ssl, SSL_SESSION *fresh)
{
    (void)ssl;
    if (session) SSL_SESSION_free(session);
    session = fresh;
    return 1;
}

/* Reads a whole reply; 0 unless it begins with this digit. */
static int reply(int fd, SSL *ssl, char digit)
{
    char text[8192];
    int length = 0;
    for (;;) {
        int count = ssl ? SSL_read(ssl, text + length, (int)sizeof text - 1 - length) : (int)read(fd, text + length, sizeof text - 1 - length);
        if (count <= 0) return 0;
        length += count;
        text[length] = 0;
        if (length < 5 || text[length - 1] != '\n') continue;
        char *last = text;
        for (char *at = text; (at = strchr(at, '\n')) && at[1]; ) last = ++at;
        if (strlen(last) > 3 && last[3] == ' ') return text[0] == digit;
    }
}

static int say(int fd, SSL *ssl, const char *line, char digit)
{
    int length = (int)strlen(line);
    if ((ssl ? SSL_write(ssl, line, length) : (int)write(fd, line, length)) != length) return 0;
    return reply(fd, ssl, digit);
}

static int run(SSL_CTX *context, struct counts *counts)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1, works = 0;
    SSL *ssl = NULL;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, (struct sockaddr *)&address, sizeof address) || !reply(fd, NULL, '2') || !say(fd, NULL, "EHLO load.test\r\n", '2')) goto end;
    if (!plain) {
        if (!say(fd, NULL, "STARTTLS\r\n", '2')) goto end;
        ssl = SSL_new(context);
        SSL_set_fd(ssl, fd);
        if (resumes && session) SSL_set_session(ssl, session);
        if (SSL_connect(ssl) != 1) goto end;
        if (SSL_session_reused(ssl)) counts->resumed++;
        if (!say(fd, ssl, "EHLO load.test\r\n", '2')) goto end;
    }
    works = say(fd, ssl, "QUIT\r\n", '2');
end:
    if (ssl) {
        if (works) SSL_shutdown(ssl);
        SSL_free(ssl);
    }
    close(fd);
    return works;
}

int main(int argc, char **argv)
{
    long sessions = 1000, processes = 4;
    int option;
    while ((option = getopt(argc, argv, "p:n:c:v:r0")) > 0) switch (option) {
    case 'p': port = atoi(optarg); break;
    case 'n': sessions = atol(optarg); break;
    case 'c': processes = atol(optarg); break;
    case 'v': version = atoi(optarg) == 2 ? TLS1_2_VERSION : TLS1_3_VERSION; break;
    case 'r': resumes = 1; break;
    case '0': plain = 1; break;
    default: return 2;
    }
    struct counts *all = mmap(NULL, processes * sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (long index = 0; index < processes; index++) {
        if (fork()) continue;
        struct counts *counts = all + index;
        SSL_CTX *context = SSL_CTX_new(TLS_client_method());
        SSL_CTX_set_min_proto_version(context, version);
        SSL_CTX_set_max_proto_version(context, version);
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
        SSL_CTX_set1_groups_list(context, "X25519:P-256");
        if (resumes) {
            SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
            SSL_CTX_sess_set_new_cb(context, keep);
        }
        for (long number = index; number < sessions && counts->failed < 100; number += processes) {
            if (run(context, counts)) counts->done++; else counts->failed++;
        }
        _exit(0);
    }
    while (wait(NULL) > 0) { }
    clock_gettime(CLOCK_MONOTONIC, &end);
    struct counts sum = { 0, 0, 0 };
    for (long index = 0; index < processes; index++) {
        sum.done += all[index].done;
        sum.resumed += all[index].resumed;
        sum.failed += all[index].failed;
    }
    printf("{\"sessions\": %ld, \"resumed\": %ld, \"failed\": %ld, \"seconds\": %.4f}\n", sum.done, sum.resumed, sum.failed,
           (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9);
    return 0;
}
