/* opendkim KEYFILE MESSAGE...: what libopendkim says of each message, a line each: a word for each signature.
 * KEYFILE holds lines "SELECTOR._domainkey.DOMAIN TEXT" that stand in for DNS. The words are those that its filter
 * writes into Authentication-Results. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <opendkim/dkim.h>

static char *slurp(const char *path, size_t *size) {
    FILE *file = fopen(path, "r");
    if (!file) exit(66);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    char *text = malloc(*size + 1);
    if (fread(text, 1, *size, file) != *size) exit(66);
    text[*size] = 0;
    fclose(file);
    return text;
}

static const char *word(DKIM_SIGINFO *signature) {
    unsigned flags = dkim_sig_getflags(signature);
    int error = dkim_sig_geterror(signature), body = dkim_sig_getbh(signature);
    if ((flags & DKIM_SIGFLAG_PASSED) && body == DKIM_SIGBH_MATCH && error == DKIM_SIGERROR_OK) return "pass";
    if (error == DKIM_SIGERROR_KEYFAIL || error == DKIM_SIGERROR_MULTIREPLY) return "temperror";
    if (error == DKIM_SIGERROR_BADSIG || (error == DKIM_SIGERROR_OK && body == DKIM_SIGBH_MISMATCH)) return "fail";
    if (error == DKIM_SIGERROR_UNKNOWN || error == DKIM_SIGERROR_OK) return body == DKIM_SIGBH_MISMATCH ? "fail" : "neutral";
    return "permerror";
}

int main(int argc, char **argv) {
    if (argc < 3) return 64;
    DKIM_LIB *lib = dkim_init(NULL, NULL);
    dkim_query_t query = DKIM_QUERY_FILE;
    dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_QUERYMETHOD, &query, sizeof query);
    dkim_options(lib, DKIM_OP_SETOPT, DKIM_OPTS_QUERYINFO, argv[1], strlen(argv[1]));
    for (int index = 2; index < argc; index++) {
        size_t size;
        char *text = slurp(argv[index], &size);
        DKIM_STAT status;
        DKIM *dkim = dkim_verify(lib, (unsigned char *)"job", NULL, &status);
        if (!dkim) return 70;
        dkim_chunk(dkim, (unsigned char *)text, size);
        dkim_chunk(dkim, NULL, 0);
        status = dkim_eom(dkim, NULL);
        DKIM_SIGINFO **signatures;
        int count = 0;
        if (dkim_getsiglist(dkim, &signatures, &count) != DKIM_STAT_OK) count = 0;
        for (int number = 0; number < count; number++) {
            dkim_sig_process(dkim, signatures[number]);
            const char *reason = dkim_sig_geterrorstr(dkim_sig_geterror(signatures[number]));
            printf("%s%s:%s:%s", number ? "\t" : "", (char *)dkim_sig_getselector(signatures[number]), word(signatures[number]),
                   reason ? reason : "");
        }
        printf("\n");
        dkim_free(dkim);
        free(text);
    }
    return 0;
}
