/* What every library that convc generates exports beside its own names: `convc_model()`, a table by which a program can
 * find its way about a library it has never seen. Only ever extended at the end. */
#ifndef CONVC_MODEL_H
#define CONVC_MODEL_H

#include <stddef.h>

/* One input or output: row-major float32 with `rank` extents in `shape`. */
typedef struct {
    const char *name;
    int rank;
    const long long *shape;
} convc_port;

typedef struct {
    int version; /* of this table: 1 */
    const char *name, *generator;
    int input_count, output_count, step_count;
    const convc_port *inputs, *outputs;
    const char *const *step_names;
    size_t arena_bytes, weights_bytes;
    size_t (*context_bytes)(int threads);
    int (*create)(int threads, void **context);
    int (*run)(void *context, const float *const *inputs, float *const *outputs);
    int (*run_profiled)(void *context, const float *const *inputs, float *const *outputs, double *seconds);
    void (*destroy)(void *context);
    const char *(*status_text)(int status);
} convc_model_table;

#endif
