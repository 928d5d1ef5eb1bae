#include "convc_runtime.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Turns of a waiting loop before the thread gives its core away, and before an idle worker sleeps: the first is about
 * a microsecond, the second about 50. Longer than the gap between two runs in a row, shorter than anybody notices. */
enum { SPINS_BEFORE_YIELD = 2000, SPINS_BEFORE_SLEEP = 20000, CHUNKS_PER_THREAD = 8, CACHE_LINE = 64 };

static inline void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

struct convc_pool {
    int threads;
    pid_t owner; /* the process whose threads these are: a child of fork() has none */
    int started; /* workers running */

    const convc_step *steps;
    int count;
    const convc_frame *frame;
    double *seconds;

    /* Each on a line of its own: all threads write them. */
    _Alignas(CACHE_LINE) atomic_uint run; /* number of the current run; workers wait for it to change */
    _Alignas(CACHE_LINE) atomic_int next; /* first work item that nobody has taken */
    _Alignas(CACHE_LINE) atomic_int arrived; /* threads that have finished the step */
    _Alignas(CACHE_LINE) atomic_uint step; /* steps finished since the pool was made: the barrier's turn */
    _Alignas(CACHE_LINE) atomic_int asleep;
    atomic_int stop;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t workers[];
};

size_t convc_pool_bytes(int threads)
{
    const size_t bytes = sizeof(convc_pool) + (size_t)threads * sizeof(pthread_t);
    return threads < 2 ? 0 : (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* All threads arrive; the last one opens the next step. */
static void meet(convc_pool *pool, unsigned turn)
{
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) == pool->threads - 1) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->step, turn + 1, memory_order_release);
        return;
    }
    for (int spins = 0; atomic_load_explicit(&pool->step, memory_order_acquire) == turn; ++spins) {
        pause_briefly();
        if (spins >= SPINS_BEFORE_YIELD) sched_yield(); /* the other thread may need this very core */
    }
}

/* One thread's part of a run. */
static void walk(convc_pool *pool, int thread)
{
    const convc_step *steps = pool->steps;
    unsigned turn = atomic_load_explicit(&pool->step, memory_order_relaxed);
    for (int i = 0; i < pool->count; ++i, ++turn) {
        const double start = pool->seconds && thread == 0 ? now() : 0.0;
        const int items = steps[i].items;
        if (steps[i].serial) {
            if (thread == 0) steps[i].run(pool->frame, 0, items);
        } else {
            const int pieces = pool->threads * CHUNKS_PER_THREAD, chunk = items > pieces ? items / pieces : 1;
            for (;;) {
                const int begin = atomic_fetch_add_explicit(&pool->next, chunk, memory_order_relaxed);
                if (begin >= items) break;
                steps[i].run(pool->frame, begin, begin + chunk < items ? begin + chunk : items);
            }
        }
        /* Neighbours that are both serial need no meeting: the same thread runs them in order. */
        if (i + 1 < pool->count && steps[i].serial && steps[i + 1].serial) {
            --turn;
        } else {
            meet(pool, turn);
        }
        if (pool->seconds && thread == 0) pool->seconds[i] = now() - start;
    }
}

static unsigned wait_for_run(convc_pool *pool, unsigned seen)
{
    unsigned run;
    for (int spins = 0; (run = atomic_load_explicit(&pool->run, memory_order_acquire)) == seen; ++spins) {
        pause_briefly();
        if (spins < SPINS_BEFORE_SLEEP) continue;
        pthread_mutex_lock(&pool->lock);
        atomic_fetch_add(&pool->asleep, 1);
        while ((run = atomic_load(&pool->run)) == seen) pthread_cond_wait(&pool->wake, &pool->lock);
        atomic_fetch_sub(&pool->asleep, 1);
        pthread_mutex_unlock(&pool->lock);
        break;
    }
    return run;
}

struct start {
    convc_pool *pool;
    int thread;
    unsigned seen;
    atomic_int taken;
};

static void *work(void *argument)
{
    struct start *start = argument;
    convc_pool *pool = start->pool;
    const int thread = start->thread;
    unsigned seen = start->seen;
    atomic_store_explicit(&start->taken, 1, memory_order_release);
    for (;;) {
        seen = wait_for_run(pool, seen);
        if (atomic_load(&pool->stop)) return NULL;
        walk(pool, thread);
    }
}

int convc_pool_init(void *memory, int threads, convc_pool **result)
{
    convc_pool *pool = memory;
    memset(pool, 0, convc_pool_bytes(threads));
    pool->threads = threads;
    *result = pool;
    return 0;
}

static void announce(convc_pool *pool)
{
    atomic_fetch_add(&pool->run, 1);
    if (atomic_load(&pool->asleep) == 0) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

static void stop_workers(convc_pool *pool)
{
    atomic_store(&pool->stop, 1);
    announce(pool);
    for (int i = 0; i < pool->started; ++i) pthread_join(pool->workers[i], NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    pool->started = 0;
    pool->owner = 0;
}

/* Starts the workers where there are none: at the first run, and in a child of fork(). */
static int start_workers(convc_pool *pool)
{
    const pid_t self = getpid();
    if (pool->owner == self) return 0;
    const int threads = pool->threads;
    memset(pool, 0, convc_pool_bytes(threads));
    pool->threads = threads;
    pool->owner = self;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    for (int i = 0; i < threads - 1; ++i) {
        struct start start = {pool, i + 1, 0, 0};
        if (pthread_create(&pool->workers[i], NULL, work, &start) != 0) {
            stop_workers(pool);
            return -1;
        }
        ++pool->started;
        while (!atomic_load_explicit(&start.taken, memory_order_acquire)) sched_yield();
    }
    return 0;
}

void convc_pool_destroy(convc_pool *pool)
{
    if (pool && pool->owner == getpid()) stop_workers(pool);
}

int convc_run(const convc_step *steps, int count, const convc_frame *frame, convc_pool *pool, double *seconds)
{
    if (!pool) {
        for (int i = 0; i < count; ++i) {
            const double start = seconds ? now() : 0.0;
            steps[i].run(frame, 0, steps[i].items);
            if (seconds) seconds[i] = now() - start;
        }
        return 0;
    }
    if (start_workers(pool) != 0) return -1;
    pool->steps = steps;
    pool->count = count;
    pool->frame = frame;
    pool->seconds = seconds;
    announce(pool);
    walk(pool, 0);
    return 0;
}
