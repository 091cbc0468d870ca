/* opendkim sign|verify MESSAGE SECONDS KEY.pem DOMAIN SELECTOR KEYFILE: what `rates` does, by libopendkim.
 * KEYFILE holds a line "SELECTOR._domainkey.DOMAIN TEXT" that stands in for DNS. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/types.h>
#include <opendkim/dkim.h>

static char *slurp(const char *path, size_t *size) {
    FILE *file = fopen(path, "r");
    if (!file) exit(2);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*size + 1);
    if (fread(text, 1, *size, file) != *size) exit(2);
    text[*size] = 0;
    fclose(file);
    return text;
}

static double cpu(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static int once(DKIM_LIB *lib, bool sign, char *text, size_t size, char *key, char **argv) {
    DKIM_STAT status;
    DKIM *dkim = sign
        ? dkim_sign(lib, (unsigned char *)"job", NULL, (dkim_sigkey_t)key, (unsigned char *)argv[6], (unsigned char *)argv[5],
                    DKIM_CANON_RELAXED, DKIM_CANON_RELAXED, DKIM_SIGN_RSASHA256, -1, &status)
        : dkim_verify(lib, (unsigned char *)"job", NULL, &status);
    if (!dkim) return 0;
    /* Whole messages in chunks of 64 KiB, as they come from the network. */
    for (size_t index = 0; index < size; index += 65536) {
        size_t count = size - index < 65536 ? size - index : 65536;
        status = dkim_chunk(dkim, (unsigned char *)text + index, count);
        if (status != DKIM_STAT_OK) { dkim_free(dkim); return 0; }
    }
    dkim_chunk(dkim, NULL, 0);
    status = dkim_eom(dkim, NULL);
    int good = status == DKIM_STAT_OK;
    if (good && sign) {
        unsigned char *field;
        size_t length;
        good = dkim_getsighdr_d(dkim, 0, &field, &length) == DKIM_STAT_OK;
    }
    dkim_free(dkim);
    return good;
}

int main(int argc, char **argv) {
    if (argc < 8) return 64;
    size_t size, keysize;
    char *text = slurp(argv[2], &size), *key = slurp(argv[4], &keysize);
    bool sign = !strcmp(argv[1], "sign");
    DKIM_LIB *lib = dkim_init(NULL, NULL);
    dkim_query_t query = DKIM_QUERY_FILE;
    dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_QUERYMETHOD, &query, sizeof query);
    dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_QUERYINFO, argv[7], strlen(argv[7]));
    if (!once(lib, sign, text, size, key, argv)) { fprintf(stderr, "the operation fails\n"); return 1; }
    double begin = cpu(), seconds = atof(argv[3]);
    long count = 0;
    do { once(lib, sign, text, size, key, argv); count++; } while (cpu() - begin < seconds);
    printf("%f\n", count / (cpu() - begin));
    return 0;
}
