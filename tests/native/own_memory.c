#include "tiny.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(what)                                            \
    do {                                                       \
        if (!(what)) {                                         \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what); \
            return 1;                                          \
        }                                                      \
    } while (0)

int main(void)
{
    const size_t bytes = tiny_context_bytes(2);
    CHECK(tiny_context_bytes(0) == 0 && bytes % 64 == 0 && bytes > tiny_context_bytes(1));
    char *memory = aligned_alloc(64, bytes + 64);
    memset(memory, 0x5a, bytes + 64); /* what lies in it before does not matter, what lies behind it stays */

    tiny_context *context = NULL;
    CHECK(tiny_init(NULL, bytes, 2, &context) == TINY_INVALID_ARGUMENT);
    CHECK(tiny_init(memory, bytes, 0, &context) == TINY_INVALID_ARGUMENT);
    CHECK(tiny_init(memory, bytes, 2, NULL) == TINY_INVALID_ARGUMENT);
    CHECK(tiny_init(memory + 4, bytes, 2, &context) == TINY_INVALID_ARGUMENT);
    CHECK(tiny_init(memory, bytes - 1, 2, &context) == TINY_BUFFER_TOO_SMALL);
    CHECK(tiny_create(0, &context) == TINY_INVALID_ARGUMENT && tiny_create(1, NULL) == TINY_INVALID_ARGUMENT);
    CHECK(tiny_init(memory, bytes, 2, &context) == TINY_OK);

    CHECK(tiny_input_count() == 1 && tiny_output_count() == 1 && tiny_step_count() == 2);
    CHECK(strcmp(tiny_input_name(0), "x") == 0 && tiny_input_name(1) == NULL && tiny_input_name(-1) == NULL);
    CHECK(tiny_output_rank(0) == 2 && tiny_output_rank(1) == 0 && tiny_output_shape(1) == NULL);
    CHECK(strcmp(tiny_step_name(1), "b") == 0 && tiny_step_name(2) == NULL);
    CHECK(strcmp(tiny_status_text(TINY_OK), "ok") == 0);

    const size_t count = (size_t)(tiny_input_shape(0)[0] * tiny_input_shape(0)[1]);
    float *x = calloc(count, sizeof *x), *y = calloc(count, sizeof *y);
    const float *in[] = { x }, *no_input[] = { NULL };
    float *out[] = { y }, *no_output[] = { NULL };
    CHECK(tiny_run(NULL, in, out) == TINY_INVALID_ARGUMENT);
    CHECK(tiny_run(context, no_input, out) == TINY_INVALID_ARGUMENT);
    CHECK(tiny_run(context, in, no_output) == TINY_INVALID_ARGUMENT);
    CHECK(tiny_run(context, in, NULL) == TINY_INVALID_ARGUMENT);
    double seconds[2] = { -1, -1 };
    CHECK(tiny_run_profiled(context, in, out, seconds) == TINY_OK && seconds[0] >= 0 && seconds[1] >= 0);
    for (size_t i = 0; i < count; ++i) CHECK(y[i] == (float)(2 * (i % 4096)));
    tiny_destroy(context);
    tiny_destroy(NULL);
    for (size_t i = 0; i < 64; ++i) CHECK(memory[bytes + i] == 0x5a);
    free(memory);
    free(x);
    free(y);
    puts("ok");
    return 0;
}
