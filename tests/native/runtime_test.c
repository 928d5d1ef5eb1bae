/* The runtime on its own: every work item of every step runs once for every portion and in its step's turn, for any number
 * of threads and portions, in a child of fork(), and with several pools at once. Prints "ok". */
#include "convc_runtime.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ITEMS = 103, STEPS = 7, POOLS = 3, SCRATCH = 64, PORTIONS = 7, OWN = ITEMS * (int)sizeof(int) };

#define CHECK(what)                                                    \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what);         \
            _Exit(1);                                                  \
        }                                                              \
    } while (0)

/* The arena holds, for each portion, a row of ITEMS counters for each step. A step adds one to the row before it, read
 * back to front, so that a step begun before its turn gives a wrong sum. */
static void add(const convc_frame *f, int step, int begin, int end)
{
    int *rows = (int *)f->arena + f->number * (STEPS * ITEMS);
    memset(f->scratch, step, f->scratch_bytes);
    for (int i = begin; i < end; ++i) rows[step * ITEMS + i] += step ? rows[(step - 1) * ITEMS + ITEMS - 1 - i] + 1 : 1;
    for (size_t i = 0; i < f->scratch_bytes; ++i) CHECK(f->scratch[i] == step);
}

/* The same through the memory of one portion, which is another's a moment later: `put` fills it, `take` adds it. */
static void put(const convc_frame *f, int begin, int end)
{
    for (int i = begin; i < end; ++i) ((int *)f->portion)[i] = 100 * f->number + i;
}

static void take(const convc_frame *f, int begin, int end)
{
    int *row = (int *)f->arena + f->number * (STEPS * ITEMS);
    for (int i = begin; i < end; ++i) row[i] += ((int *)f->portion)[ITEMS - 1 - i];
}

#define STEP(n) static void step##n(const convc_frame *f, int begin, int end) { add(f, n, begin, end); }
STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6)

static const convc_step steps[STEPS] = {
    { "shared", step0, ITEMS, 0 }, { "serial", step1, ITEMS, 1 }, { "serial", step2, ITEMS, 1 },
    { "shared", step3, ITEMS, 0 }, { "shared", step4, ITEMS, 0 }, { "serial", step5, ITEMS, 1 },
    { "serial", step6, ITEMS, 1 },
};

static const convc_step through[4] = {
    { "shared", put, ITEMS, 0 }, { "shared", take, ITEMS, 0 }, { "serial", put, ITEMS, 1 }, { "shared", take, ITEMS, 0 },
};

static void run(const convc_table *table, int *rows, convc_pool *pool, int threads, double *seconds)
{
    char *scratch = malloc((size_t)threads * SCRATCH), *own = malloc((size_t)threads * OWN);
    const convc_frame frame = { NULL, NULL, (char *)rows, NULL, own, scratch, OWN, SCRATCH, 0 };
    CHECK(convc_run(table, &frame, pool, seconds) == 0);
    free(scratch);
    free(own);
}

/* All steps at once; the first and the last ones in portions, and those between for all at once, portion by portion. */
static void run_once(convc_pool *pool, int threads, double *seconds)
{
    static const convc_segment whole = { 0, STEPS, 1, 0, 0 };
    const convc_table table = { steps, &whole, STEPS, 1 };
    int rows[STEPS * ITEMS] = { 0 };
    run(&table, rows, pool, threads, seconds);
    for (int s = 0; s < STEPS; ++s) {
        for (int i = 0; i < ITEMS; ++i) CHECK(rows[s * ITEMS + i] == s + 1);
    }
}

static void run_portions(convc_pool *pool, int threads, int portions, double *seconds)
{
    const convc_segment parts[3] = { { 0, 2, portions, 0, 0 }, { 2, 3, portions, 1, 0 }, { 3, STEPS, portions, 0, 0 } };
    const convc_table table = { steps, parts, STEPS, 3 };
    int rows[(PORTIONS + 1) * STEPS * ITEMS] = { 0 };
    run(&table, rows, pool, threads, seconds);
    for (int s = 0; s < portions * STEPS; ++s) {
        for (int i = 0; i < ITEMS; ++i) CHECK(rows[s * ITEMS + i] == s % STEPS + 1);
    }
    for (int s = 0; seconds && s < STEPS; ++s) CHECK(seconds[s] >= 0.0 && seconds[s] < 10.0);

    const size_t end = sizeof rows - OWN; /* the first thread's piece of memory lies in the arena */
    const convc_segment segments[2] = { { 0, 2, portions, 0, end }, { 2, 4, portions, portions % 2, end } };
    const convc_table kept = { through, segments, 4, 2 };
    memset(rows, 0, sizeof rows);
    run(&kept, rows, pool, threads, NULL);
    for (int n = 0; n < portions; ++n) {
        for (int i = 0; i < ITEMS; ++i) CHECK(rows[n * STEPS * ITEMS + i] == 2 * (100 * n + ITEMS - 1 - i));
    }
}

static convc_pool *new_pool(int threads)
{
    const size_t bytes = convc_pool_bytes(threads);
    return bytes ? convc_pool_init(aligned_alloc(64, bytes), threads) : NULL;
}

static void *run_often(void *argument)
{
    const int threads = *(int *)argument;
    convc_pool *pool = new_pool(threads);
    double seconds[STEPS];
    for (int i = 0; i < 300; ++i) {
        run_once(pool, threads, i % 2 ? seconds : NULL);
        run_portions(pool, threads, 1 + i % PORTIONS, i % 4 ? seconds : NULL);
        if (i % 100 == 99) usleep(2000); /* long enough for the workers to fall asleep */
    }
    convc_pool_destroy(pool);
    free(pool);
    return NULL;
}

static void fork_with(convc_pool *pool, int threads)
{
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        run_once(pool, threads, NULL);
        convc_pool_destroy(pool);
        _Exit(0);
    }
    int status = 1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(int argc, char **argv)
{
    (void)argv;
    CHECK(convc_pool_bytes(1) == 0);
    for (int threads = 1; threads <= 4; ++threads) run_often(&threads);

    int threads[POOLS] = { 2, 3, 4 };
    pthread_t callers[POOLS];
    for (int i = 0; i < POOLS; ++i) CHECK(pthread_create(&callers[i], NULL, run_often, &threads[i]) == 0);
    for (int i = 0; i < POOLS; ++i) CHECK(pthread_join(callers[i], NULL) == 0);

    convc_pool *pool = new_pool(3), *fresh = new_pool(2);
    convc_pool_destroy(fresh); /* its threads were never started */
    run_once(pool, 3, NULL);
    if (argc == 1) {
        fork_with(pool, 3);
        run_once(pool, 3, NULL);
    }
    convc_pool_destroy(pool);
    free(pool);
    free(fresh);
    puts("ok");
    return 0;
}
