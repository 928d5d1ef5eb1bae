/* Runs a network that convc compiled, from C: prints its inputs, outputs and steps, runs it on numbers of a fixed
 * pattern, and prints the largest value of each output.
 *
 *     main [threads]
 *
 * It is written for LeNet-5: another network has another header, and another prefix to its names. */
#include "lenet5.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST_PORTS = 8 };

static size_t elements(int rank, const long long *shape)
{
    size_t count = 1;
    for (int d = 0; d < rank; ++d) count *= (size_t)shape[d];
    return count;
}

static void print_port(const char *side, const char *name, int rank, const long long *shape)
{
    printf("%-6s %s: f32[", side, name);
    for (int d = 0; d < rank; ++d) printf("%s%lld", d ? ", " : "", shape[d]);
    printf("]\n");
}

static void fail(const char *what, lenet5_status status)
{
    fprintf(stderr, "%s: %s\n", what, lenet5_status_text(status));
    exit(1);
}

/* Numbers between -1 and 1, the same on every machine. */
static float *pattern(size_t count)
{
    float *data = malloc(count * sizeof *data);
    unsigned state = 1;
    for (size_t i = 0; data && i < count; ++i) {
        state = state * 1664525u + 1013904223u;
        data[i] = (float)(state >> 8) / 8388608.0f - 1.0f;
    }
    return data;
}

static void print_largest(int output, const float *data, size_t count)
{
    size_t largest = 0;
    for (size_t i = 1; i < count; ++i) {
        if (data[i] > data[largest]) largest = i;
    }
    printf("%s[%zu] = %.6f is the largest\n", lenet5_output_name(output), largest, (double)data[largest]);
}

int main(int argc, char **argv)
{
    const int threads = argc > 1 ? atoi(argv[1]) : 1;
    const int inputs = lenet5_input_count(), outputs = lenet5_output_count();
    if (inputs > MOST_PORTS || outputs > MOST_PORTS) return 1;

    float *in[MOST_PORTS], *out[MOST_PORTS];
    for (int i = 0; i < inputs; ++i) {
        print_port("input", lenet5_input_name(i), lenet5_input_rank(i), lenet5_input_shape(i));
        in[i] = pattern(elements(lenet5_input_rank(i), lenet5_input_shape(i)));
        if (!in[i]) return 1;
    }
    for (int i = 0; i < outputs; ++i) {
        print_port("output", lenet5_output_name(i), lenet5_output_rank(i), lenet5_output_shape(i));
        out[i] = malloc(elements(lenet5_output_rank(i), lenet5_output_shape(i)) * sizeof(float));
        if (!out[i]) return 1;
    }
    printf("%d steps, %zu bytes of weights, %zu bytes for a context of %d thread(s)\n", lenet5_step_count(),
           lenet5_weights_bytes(), lenet5_context_bytes(threads), threads);

    lenet5_context *context = NULL;
    lenet5_status status = lenet5_create(threads, &context);
    if (status != LENET5_OK) fail("lenet5_create", status);
    status = lenet5_run(context, (const float *const *)in, out);
    if (status != LENET5_OK) fail("lenet5_run", status);
    for (int i = 0; i < outputs; ++i) {
        print_largest(i, out[i], elements(lenet5_output_rank(i), lenet5_output_shape(i)));
        free(out[i]);
    }
    for (int i = 0; i < inputs; ++i) free(in[i]);
    lenet5_destroy(context);
    return 0;
}
