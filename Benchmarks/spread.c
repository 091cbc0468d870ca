/* spread: an SMTP load of many senders, recipients and domains.
 *
 *   spread -p PORT -n MESSAGES [-c CONNECTIONS] [-l BODY] [-d DOMAINS] [-s SENDERS] [-x EVERY] [-i FIRST] [-k MAP]
 *
 * Message i goes from s{i % SENDERS}@src.test to r{i}@d{i % DOMAINS}.test; with -x, every EVERYth goes to d1.test and
 * all others to d0.test. MAIL, RCPT and DATA are pipelined. Each message carries "X-Bid: id length time", which the
 * harness's counting sink understands. MAP, where given, is a file with one byte a message, 1 for every 250 to a final
 * dot. Prints one line of JSON: acknowledged, refused, messages a second (in all and in each fifth), dot to 250 in
 * microseconds. A connection that breaks is made again; its message counts as neither.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum state { GREETING, EHLO, ENVELOPE, REPLY, CLOSED };
struct connection {
    int fd;
    enum state state;
    int replies;            /* outstanding replies of the envelope */
    int refused;
    long id;
    uint64_t sent;          /* when the final dot left */
    char in[8192];
    int inLength;
    char *out;
    long outLength, outOffset;
};

static int port = 2525, connections = 20, domains = 1, senders = 1, every = 0;
static long messages = 1000, first = 0, next, acknowledged, refused, settled;
static long bodyLength = 2048;
static char *body;
static uint8_t *map;
static int poller;
static uint32_t histogram[1 << 20]; /* microseconds */
static uint64_t marks[6];

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void watch(struct connection *c, int op) {
    struct epoll_event e = {.events = EPOLLIN | (c->outOffset < c->outLength ? EPOLLOUT : 0), .data.ptr = c};
    epoll_ctl(poller, op, c->fd, &e);
}

static void dial(struct connection *c) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1;
    c->fd = socket(AF_INET, SOCK_STREAM, 0);
    c->inLength = 0;
    c->outLength = c->outOffset = 0;
    if (connect(c->fd, (struct sockaddr *)&a, sizeof a)) {
        close(c->fd);
        c->state = CLOSED;
        return;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    c->state = GREETING;
    watch(c, EPOLL_CTL_ADD);
}

static void pump(struct connection *c) {
    while (c->outOffset < c->outLength) {
        long n = write(c->fd, c->out + c->outOffset, (size_t)(c->outLength - c->outOffset));
        if (n <= 0) break;
        c->outOffset += n;
    }
    watch(c, EPOLL_CTL_MOD);
}

static void say(struct connection *c, const char *text) {
    c->outLength = sprintf(c->out, "%s", text);
    c->outOffset = 0;
    pump(c);
}

static void envelope(struct connection *c) {
    if (next >= messages) {
        close(c->fd);
        c->state = CLOSED;
        return;
    }
    c->id = first + next++;
    c->refused = 0;
    c->replies = 3;
    c->state = ENVELOPE;
    int domain = every ? (c->id % every == 0) : (int)(c->id % domains);
    char text[400];
    snprintf(text, sizeof text, "MAIL FROM:<s%ld@src.test>\r\nRCPT TO:<r%ld@d%d.test>\r\nDATA\r\n", c->id % senders, c->id, domain);
    say(c, text);
}

static void content(struct connection *c) {
    c->outLength = sprintf(c->out, "From: s@src.test\r\nSubject: spread\r\nX-Bid: %ld %ld %llu\r\n\r\n", c->id, bodyLength,
                           (unsigned long long)now());
    memcpy(c->out + c->outLength, body, (size_t)bodyLength);
    c->outLength += bodyLength;
    memcpy(c->out + c->outLength, ".\r\n", 3);
    c->outLength += 3;
    c->outOffset = 0;
    c->state = REPLY;
    c->sent = now();
    pump(c);
}

static void settle(void) {
    long part = ++settled * 5 / messages;
    if (part > 0 && part <= 5 && !marks[part]) marks[part] = now();
}

static void reply(struct connection *c, const char *line) {
    if (line[3] == '-') return;
    switch (c->state) {
    case GREETING:
        c->state = EHLO;
        say(c, "EHLO spread.test\r\n");
        break;
    case EHLO:
        envelope(c);
        break;
    case ENVELOPE:
        if (line[0] > '3') c->refused = 1;
        if (--c->replies) break;
        if (line[0] == '3') content(c);
        else { refused++; settle(); envelope(c); }
        break;
    case REPLY: {
        uint64_t micros = (now() - c->sent) / 1000;
        histogram[micros < (1 << 20) ? micros : (1 << 20) - 1]++;
        if (line[0] == '2') { acknowledged++; if (map) map[c->id] = 1; }
        else refused++;
        settle();
        envelope(c);
        break;
    }
    case CLOSED: break;
    }
}

static void receive(struct connection *c) {
    long n = read(c->fd, c->in + c->inLength, sizeof c->in - (size_t)c->inLength);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN) return;
        close(c->fd);
        if (c->state == ENVELOPE || c->state == REPLY) settle();
        c->state = CLOSED;
        if (next < messages) { usleep(20000); dial(c); }
        return;
    }
    c->inLength += (int)n;
    char *start = c->in, *end;
    while ((end = memchr(start, '\n', (size_t)(c->in + c->inLength - start)))) {
        char *line = start;
        start = end + 1;
        reply(c, line);
        if (c->state == CLOSED) return;
    }
    c->inLength = (int)(c->in + c->inLength - start);
    memmove(c->in, start, (size_t)c->inLength);
}

static long quantile(double q) {
    uint64_t total = 0, seen = 0;
    for (long i = 0; i < 1 << 20; i++) total += histogram[i];
    for (long i = 0; i < 1 << 20; i++) if ((seen += histogram[i]) >= q * (double)total) return i;
    return 0;
}

int main(int argc, char **argv) {
    const char *mapPath = NULL;
    for (int o; (o = getopt(argc, argv, "p:n:c:l:d:s:x:i:k:")) > 0;) switch (o) {
        case 'p': port = atoi(optarg); break;
        case 'n': messages = atol(optarg); break;
        case 'c': connections = atoi(optarg); break;
        case 'l': bodyLength = atol(optarg); break;
        case 'd': domains = atoi(optarg); break;
        case 's': senders = atoi(optarg); break;
        case 'x': every = atoi(optarg); break;
        case 'i': first = atol(optarg); break;
        case 'k': mapPath = optarg; break;
        default: return 2;
    }
    if (mapPath) {
        int fd = open(mapPath, O_RDWR | O_CREAT, 0600);
        if (fd < 0 || ftruncate(fd, first + messages)) { perror(mapPath); return 1; }
        map = mmap(NULL, (size_t)(first + messages), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    }
    body = malloc((size_t)bodyLength);
    for (long i = 0; i < bodyLength; i++) body[i] = i % 72 == 70 ? '\r' : i % 72 == 71 ? '\n' : (char)('a' + i % 26);
    body[bodyLength - 2] = '\r';
    body[bodyLength - 1] = '\n';
    poller = epoll_create1(0);
    struct connection *all = calloc((size_t)connections, sizeof *all);
    uint64_t start = marks[0] = now();
    for (int i = 0; i < connections; i++) {
        all[i].out = malloc((size_t)bodyLength + 1024);
        dial(&all[i]);
    }
    for (int open = connections; open;) {
        struct epoll_event events[256];
        int n = epoll_wait(poller, events, 256, 1000);
        for (int i = 0; i < n; i++) {
            struct connection *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT) pump(c);
            if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) receive(c);
        }
        open = 0;
        for (int i = 0; i < connections; i++) {
            if (all[i].state == CLOSED && next < messages) dial(&all[i]);
            open += all[i].state != CLOSED;
        }
    }
    double seconds = (double)(now() - start) / 1e9;
    printf("{\"acknowledged\": %ld, \"refused\": %ld, \"rate\": %.0f, \"fifths\": [", acknowledged, refused, (double)acknowledged / seconds);
    for (int i = 1; i <= 5; i++)
        printf("%s%.0f", i > 1 ? ", " : "", marks[i] ? (double)messages / 5 / ((double)(marks[i] - marks[i - 1]) / 1e9) : 0.0);
    printf("], \"dot_us\": {\"p50\": %ld, \"p99\": %ld}}\n", quantile(0.5), quantile(0.99));
    return 0;
}
