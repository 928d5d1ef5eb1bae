/* The fixed part of every library that convc generates: how steps are run, by one thread or by several.
 *
 * A network is a table of steps, in segments. A segment may run several times, for one portion of a batch after another.
 * One thread runs all this in order, with no synchronisation at all. Several threads walk the table together: of a segment
 * with as many portions as there are threads, each takes whole ones; of a step, each has a share of its work items, and of
 * what others leave. Who finishes the last of them opens what comes next. So a run wakes the pool once, not once a layer, and a thread that the
 * system has put aside is not waited for. */
#ifndef CONVC_RUNTIME_H
#define CONVC_RUNTIME_H

#include <stddef.h>

/* Where the operands of a run lie. */
typedef struct {
    const float *const *inputs; /* the caller's arrays */
    float *const *outputs;
    char *arena;            /* all that lives between steps */
    const char *weights;    /* packed, read-only */
    char *portion;          /* a piece for each thread but the first; in a step: what only the portion that is run needs */
    char *scratch;          /* working memory, a piece for each thread; in a step: this thread's own piece */
    size_t portion_bytes, scratch_bytes; /* of one piece */
    int number;             /* in a step: of the portion that is run */
} convc_frame;

/* One kernel call. `run` computes work items [begin, end). A serial step is too small to be worth sharing. */
typedef struct {
    const char *name;
    void (*run)(const convc_frame *frame, int begin, int end);
    int items;
    int serial;
} convc_step;

/* Steps [first, end), run one after another for each portion. What a portion needs lies `portion` bytes into the arena,
 * or in a thread's own piece. */
typedef struct {
    int first, end;
    int portions;
    int serial; /* all portions together are too small to be worth sharing */
    size_t portion;
} convc_segment;

typedef struct {
    const convc_step *steps;
    const convc_segment *segments;
    int step_count, segment_count;
} convc_table;

typedef struct convc_pool convc_pool;

/* Bytes of a pool of `threads` threads, to be placed in memory aligned to 64 bytes; 0 for one thread. */
size_t convc_pool_bytes(int threads);

/* Makes a pool of two threads or more in `memory`; they start with the first run. */
convc_pool *convc_pool_init(void *memory, int threads);

/* Stops and joins the threads. In a child of fork() there are none to join. */
void convc_pool_destroy(convc_pool *pool);

/* Runs the table; `pool` is NULL for one thread. With `seconds` the time of every step is stored there: of all portions,
 * and where threads take portions side by side, each one's share. Returns 0, or -1 where threads could not be started. One
 * run at a time per pool. */
int convc_run(const convc_table *table, const convc_frame *frame, convc_pool *pool, double *seconds);

#endif
