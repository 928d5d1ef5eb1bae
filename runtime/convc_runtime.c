#include "convc_runtime.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CHUNKS_PER_THREAD = 8, CACHE_LINE = 64, TURNS_PER_LOOK = 64 };

/* How long a thread spins at a meeting before it offers its core to others, and how long an idle worker spins before it
 * sleeps: longer than the gap between two runs in a row, shorter than anybody notices. */
static const double MEETING_SECONDS = 20e-6, IDLE_SECONDS = 50e-6;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static inline void pause_briefly(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* A wait that begins by spinning. A pause takes from 10 to 150 cycles by the machine, so time is what counts. */
struct waiting {
    int turns;
    double start;
};

/* One turn; 0 when it has been spinning for `seconds`. */
static int spin(struct waiting *w, double seconds)
{
    pause_briefly();
    if (++w->turns < TURNS_PER_LOOK) return 1;
    w->turns = 0;
    if (w->start == 0.0) w->start = now();
    return now() - w->start < seconds;
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

/* All threads arrive; the last one opens the next step. */
static void meet(convc_pool *pool, unsigned turn)
{
    if (atomic_fetch_add_explicit(&pool->arrived, 1, memory_order_acq_rel) == pool->threads - 1) {
        atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
        atomic_store_explicit(&pool->step, turn + 1, memory_order_release);
        return;
    }
    struct waiting waiting = {0, 0.0};
    while (atomic_load_explicit(&pool->step, memory_order_acquire) == turn) {
        if (!spin(&waiting, MEETING_SECONDS)) sched_yield(); /* the other thread may need this very core */
    }
}

/* Takes work items of a step until there are none left. */
static void share(convc_pool *pool, const convc_step *step, const convc_frame *frame)
{
    const int pieces = pool->threads * CHUNKS_PER_THREAD, items = step->items;
    const int chunk = items > pieces ? items / pieces : 1;
    for (;;) {
        const int begin = atomic_fetch_add_explicit(&pool->next, chunk, memory_order_relaxed);
        if (begin >= items) return;
        step->run(frame, begin, begin + chunk < items ? begin + chunk : items);
    }
}

/* One thread's part of a run. After the last meeting the caller may begin another run, so nothing of this one is read
 * from the pool by then. */
static void walk(convc_pool *pool, int thread)
{
    const convc_step *steps = pool->steps;
    const int count = pool->count;
    double *const seconds = thread == 0 ? pool->seconds : NULL;
    convc_frame frame = *pool->frame;
    frame.scratch += (size_t)thread * frame.scratch_bytes;
    unsigned turn = atomic_load_explicit(&pool->step, memory_order_relaxed);
    for (int i = 0; i < count; ++i) {
        const double start = seconds ? now() : 0.0;
        if (!steps[i].serial) share(pool, &steps[i], &frame);
        else if (thread == 0) steps[i].run(&frame, 0, steps[i].items);
        /* Neighbours that are both serial need no meeting: the same thread runs them in order. */
        if (i + 1 == count || !steps[i].serial || !steps[i + 1].serial) meet(pool, turn++);
        if (seconds) seconds[i] = now() - start;
    }
}

static unsigned wait_for_run(convc_pool *pool, unsigned seen)
{
    struct waiting waiting = {0, 0.0};
    unsigned run;
    while ((run = atomic_load_explicit(&pool->run, memory_order_acquire)) == seen) {
        if (spin(&waiting, IDLE_SECONDS)) continue;
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
    atomic_int taken;
};

static void *work(void *argument)
{
    struct start *start = argument;
    convc_pool *pool = start->pool;
    const int thread = start->thread;
    unsigned seen = 0; /* no run is announced before all have started */
    atomic_store_explicit(&start->taken, 1, memory_order_release);
    for (;;) {
        seen = wait_for_run(pool, seen);
        if (atomic_load(&pool->stop)) return NULL;
        walk(pool, thread);
    }
}

convc_pool *convc_pool_init(void *memory, int threads)
{
    convc_pool *pool = memory;
    memset(pool, 0, convc_pool_bytes(threads));
    pool->threads = threads;
    return pool;
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

/* Starts the workers where there are none: at the first run, and in a child of fork(). Signals are left to the threads
 * of the program: workers inherit a mask that blocks all. */
static int start_workers(convc_pool *pool)
{
    const pid_t self = getpid();
    if (pool->owner == self) return 0;
    convc_pool_init(pool, pool->threads);
    pool->owner = self;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    for (int i = 0; i < pool->threads - 1 && !failed; ++i) {
        struct start start = {pool, i + 1, 0};
        failed = pthread_create(&pool->workers[i], NULL, work, &start) != 0;
        if (failed) continue;
        ++pool->started;
        while (!atomic_load_explicit(&start.taken, memory_order_acquire)) sched_yield();
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) stop_workers(pool);
    return failed ? -1 : 0;
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
