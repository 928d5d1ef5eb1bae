/* The runtime on its own: every work item of every step runs once and in its step's turn, for any number of threads, in
 * a child of fork(), and with several pools at once. Prints "ok". */
#include "convc_runtime.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ITEMS = 103, STEPS = 7, POOLS = 3, SCRATCH = 64 };

#define CHECK(what)                                                    \
    do {                                                               \
        if (!(what)) {                                                 \
            fprintf(stderr, "line %d: %s\n", __LINE__, #what);         \
            _Exit(1);                                                  \
        }                                                              \
    } while (0)

/* The arena holds a row of ITEMS counters for each step. A step adds one to the row before it, read back to front, so
 * that a step begun before its turn gives a wrong sum. */
static void add(const convc_frame *f, int step, int begin, int end)
{
    int *rows = (int *)f->arena;
    memset(f->scratch, step, f->scratch_bytes);
    for (int i = begin; i < end; ++i) rows[step * ITEMS + i] += step ? rows[(step - 1) * ITEMS + ITEMS - 1 - i] + 1 : 1;
    for (size_t i = 0; i < f->scratch_bytes; ++i) CHECK(f->scratch[i] == step);
}

#define STEP(n) static void step##n(const convc_frame *f, int begin, int end) { add(f, n, begin, end); }
STEP(0) STEP(1) STEP(2) STEP(3) STEP(4) STEP(5) STEP(6)

static const convc_step steps[STEPS] = {
    { "shared", step0, ITEMS, 0 }, { "serial", step1, ITEMS, 1 }, { "serial", step2, ITEMS, 1 },
    { "shared", step3, ITEMS, 0 }, { "shared", step4, ITEMS, 0 }, { "serial", step5, ITEMS, 1 },
    { "serial", step6, ITEMS, 1 },
};

static void run_once(convc_pool *pool, int threads, double *seconds)
{
    int rows[STEPS * ITEMS] = { 0 };
    char *scratch = malloc((size_t)threads * SCRATCH);
    const convc_frame frame = { NULL, NULL, (char *)rows, NULL, scratch, SCRATCH };
    CHECK(convc_run(steps, STEPS, &frame, pool, seconds) == 0);
    for (int s = 0; s < STEPS; ++s) {
        for (int i = 0; i < ITEMS; ++i) CHECK(rows[s * ITEMS + i] == s + 1);
    }
    free(scratch);
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
