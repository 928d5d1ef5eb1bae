#include "convc_runtime.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CACHE_LINE = 64, TURNS_PER_LOOK = 64 };

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

/* The number of the turn (a shared step of a run, or whole portions of a batch), and below it what is left of it. One word
 * each, so that a thread which was away for a while cannot take from a turn it has not seen. */
typedef unsigned long long word;

static const word NO_RUN = 0xffffffffu; /* in the pool's word: nothing is running */

static unsigned turn_of(word w) { return (unsigned)(w >> 32); }
static int is_idle(word w) { return (unsigned)w == NO_RUN; }

/* A thread's own share of a turn: units from `begin` to before `end` that nobody has taken. The thread takes them from the
 * front, in order, so that what one reads is often what the next one needs; others, when they have none left, from the
 * back. */
typedef struct {
    _Alignas(CACHE_LINE) _Atomic word left;
} share;

enum { MOST_UNITS = 0xffff };

static word share_of(unsigned turn, unsigned begin, unsigned end) { return (word)turn << 32 | begin << 16 | end; }

struct convc_pool {
    int threads;
    pid_t owner; /* the process whose threads these are: a child of fork() has none */
    int started; /* workers running */

    /* The run. Written between turns, when nobody holds an item; read by those who do. */
    const convc_table *table;
    const convc_frame *frame;
    int segment, number, index; /* which step of which portion it is the turn of */
    int whole;                  /* or of how many whole portions; else 0 */
    double *seconds, began;

    unsigned items, units, unit; /* of this turn: work items, what they are taken in, and items in a unit */
    pthread_t *workers;

    /* Each on a line of its own: all threads write them. */
    _Alignas(CACHE_LINE) _Atomic word turn;
    atomic_int singly; /* whether a unit of this turn is taken alone */
    _Alignas(CACHE_LINE) atomic_uint finished; /* units of this turn */
    _Alignas(CACHE_LINE) atomic_int asleep;
    atomic_int stop, numbers;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    share shares[];
};

size_t convc_pool_bytes(int threads)
{
    const size_t bytes = sizeof(convc_pool) + (size_t)threads * (sizeof(share) + sizeof(pthread_t));
    return threads < 2 ? 0 : (bytes + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
}

/* The frame in which `thread` runs a portion: alone, on memory of its own, or together with the others. */
static convc_frame frame_of(const convc_frame *all, size_t portion, int number, int thread, int alone)
{
    convc_frame frame = *all;
    const int own = alone && thread > 0;
    frame.portion = own ? all->portion + (size_t)(thread - 1) * all->portion_bytes : all->arena + portion;
    frame.scratch += (size_t)thread * frame.scratch_bytes;
    frame.number = number;
    return frame;
}

/* Runs all steps of a segment for one portion; each one's time, a `share` of it, is added to `seconds`. */
static void run_portion(const convc_step *steps, const convc_segment *segment, const convc_frame *frame, double *seconds, int threads, pthread_mutex_t *lock)
{
    for (int i = segment->first; i < segment->end; ++i) {
        const double start = seconds ? now() : 0.0;
        steps[i].run(frame, 0, steps[i].items);
        if (!seconds) continue;
        const double share = (now() - start) / threads;
        if (lock) pthread_mutex_lock(lock);
        seconds[i] += share;
        if (lock) pthread_mutex_unlock(lock);
    }
}

/* A segment with at least as many portions as there are threads begins with whole ones, the same number for each thread;
 * the rest of them is shared step by step. */
static void enter(convc_pool *pool, int number)
{
    pool->segment = number;
    pool->number = pool->whole = 0;
    if (number == pool->table->segment_count) return; /* the run is over */
    const convc_segment *segment = &pool->table->segments[number];
    pool->index = segment->first;
    if (!segment->serial && segment->portions > 1) pool->whole = segment->portions / pool->threads * pool->threads;
}

/* What it is the turn of is done: the next step, portion or segment is the one now. */
static void leave(convc_pool *pool)
{
    const convc_segment *segment = &pool->table->segments[pool->segment];
    if (pool->seconds) {
        const double time = now();
        if (!pool->whole) pool->seconds[pool->index] += time - pool->began;
        pool->began = time;
    }
    if (pool->whole) {
        pool->number = pool->whole;
        pool->whole = 0;
    } else if (++pool->index == segment->end) {
        ++pool->number;
        pool->index = segment->first;
    }
    if (pool->number == segment->portions) enter(pool, pool->segment + 1);
}

/* Opens what it is the turn of. Called by whoever finished the last item, so by one thread while the others have nothing:
 * what is too small to share it runs itself. */
static void advance(convc_pool *pool, int thread)
{
    const unsigned turn = turn_of(atomic_load_explicit(&pool->turn, memory_order_relaxed)) + 1;
    word opened = NO_RUN;
    for (; pool->segment < pool->table->segment_count; leave(pool)) {
        const convc_segment *segment = &pool->table->segments[pool->segment];
        const convc_step *step = &pool->table->steps[pool->index];
        if (!pool->whole && (segment->serial || step->serial)) {
            const convc_frame frame = frame_of(pool->frame, segment->portion, pool->number, thread, 0);
            step->run(&frame, 0, step->items);
            continue;
        }
        pool->items = (unsigned)(pool->whole ? pool->whole : step->items);
        pool->unit = (pool->items + MOST_UNITS - 1) / MOST_UNITS;
        pool->units = (pool->items + pool->unit - 1) / pool->unit;
        const unsigned threads = (unsigned)pool->threads, each = pool->units / threads, more = pool->units % threads;
        for (unsigned t = 0, begin = 0; t < threads; ++t) {
            const unsigned end = begin + each + (t < more);
            atomic_store_explicit(&pool->shares[t].left, share_of(turn, begin, end), memory_order_relaxed);
            begin = end;
        }
        atomic_store_explicit(&pool->singly, pool->whole > 0, memory_order_relaxed);
        atomic_store_explicit(&pool->finished, 0, memory_order_relaxed);
        opened = 0;
        break;
    }
    atomic_store(&pool->turn, (word)turn << 32 | opened);
}

/* Runs items that were taken: of a step, or whole portions. */
static void run_items(convc_pool *pool, int thread, int begin, int end)
{
    const convc_table *table = pool->table;
    const convc_segment *segment = &table->segments[pool->segment];
    if (!pool->whole) {
        const convc_frame frame = frame_of(pool->frame, segment->portion, pool->number, thread, 0);
        table->steps[pool->index].run(&frame, begin, end);
        return;
    }
    for (int number = begin; number < end; ++number) {
        const convc_frame frame = frame_of(pool->frame, segment->portion, number, thread, 1);
        run_portion(table->steps, segment, &frame, pool->seconds, pool->threads, &pool->lock);
    }
}

/* Takes some of what is left of a share, half of it, or one whole portion: how many units, from `first` on. 0 where there
 * is nothing, or the turn is another. */
static unsigned take(convc_pool *pool, unsigned turn, int owner, int thread, unsigned *first)
{
    _Atomic word *const left = &pool->shares[owner].left;
    word seen = atomic_load_explicit(left, memory_order_acquire);
    for (;;) {
        const unsigned begin = (unsigned)seen >> 16, end = (unsigned)seen & MOST_UNITS;
        if (turn_of(seen) != turn || begin == end) return 0;
        const unsigned count = atomic_load_explicit(&pool->singly, memory_order_relaxed) ? 1 : (end - begin + 1) / 2;
        const word rest = owner == thread ? share_of(turn, begin + count, end) : share_of(turn, begin, end - count);
        *first = owner == thread ? begin : end - count;
        if (atomic_compare_exchange_weak(left, &seen, rest)) return count;
    }
}

/* Takes part in a turn until nothing is left, of this thread's share and then of the others'; the thread that finishes the
 * last unit goes on. A thread that comes late, or not at all, is not waited for. */
static void take_part(convc_pool *pool, int thread, unsigned turn)
{
    unsigned done = 0, units = 0, first = 0;
    for (int i = 0; i < pool->threads; ++i) {
        const int owner = (thread + i) % pool->threads;
        for (unsigned count; (count = take(pool, turn, owner, thread, &first)) != 0; done += count) {
            const unsigned end = (first + count) * pool->unit;
            units = pool->units;
            run_items(pool, thread, (int)(first * pool->unit), (int)(end < pool->items ? end : pool->items));
        }
    }
    if (done && atomic_fetch_add_explicit(&pool->finished, done, memory_order_acq_rel) + done == units) {
        leave(pool);
        advance(pool, thread);
    }
}

static void wait_for_turn(convc_pool *pool, unsigned turn)
{
    struct waiting waiting = {0, 0.0};
    while (turn_of(atomic_load_explicit(&pool->turn, memory_order_acquire)) == turn) {
        if (!spin(&waiting, MEETING_SECONDS)) sched_yield(); /* another thread may need this very core */
    }
}

/* Takes part in every turn until the run is over. */
static void take_part_in_run(convc_pool *pool, int thread)
{
    word seen;
    while (!is_idle(seen = atomic_load_explicit(&pool->turn, memory_order_acquire))) {
        take_part(pool, thread, turn_of(seen));
        wait_for_turn(pool, turn_of(seen));
    }
}

static void wait_for_run(convc_pool *pool)
{
    struct waiting waiting = {0, 0.0};
    while (is_idle(atomic_load(&pool->turn)) && !atomic_load(&pool->stop)) {
        if (spin(&waiting, IDLE_SECONDS)) continue;
        pthread_mutex_lock(&pool->lock);
        atomic_fetch_add(&pool->asleep, 1);
        while (is_idle(atomic_load(&pool->turn)) && !atomic_load(&pool->stop)) {
            pthread_cond_wait(&pool->wake, &pool->lock);
        }
        atomic_fetch_sub(&pool->asleep, 1);
        pthread_mutex_unlock(&pool->lock);
    }
}

static void *work(void *argument)
{
    convc_pool *pool = argument;
    const int thread = atomic_fetch_add(&pool->numbers, 1) + 1;
    while (!atomic_load(&pool->stop)) {
        wait_for_run(pool);
        take_part_in_run(pool, thread);
    }
    return NULL;
}

convc_pool *convc_pool_init(void *memory, int threads)
{
    convc_pool *pool = memory;
    memset(pool, 0, convc_pool_bytes(threads));
    pool->threads = threads;
    pool->workers = (pthread_t *)(pool->shares + threads);
    atomic_init(&pool->turn, NO_RUN);
    return pool;
}

static void wake_all(convc_pool *pool)
{
    if (atomic_load(&pool->asleep) == 0) return;
    pthread_mutex_lock(&pool->lock);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

static void stop_workers(convc_pool *pool)
{
    atomic_store(&pool->stop, 1);
    wake_all(pool);
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
        failed = pthread_create(&pool->workers[i], NULL, work, pool) != 0;
        if (!failed) ++pool->started;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) stop_workers(pool);
    return failed ? -1 : 0;
}

void convc_pool_destroy(convc_pool *pool)
{
    if (pool && pool->owner == getpid()) stop_workers(pool);
}

int convc_run(const convc_table *table, const convc_frame *frame, convc_pool *pool, double *seconds)
{
    for (int i = 0; seconds && i < table->step_count; ++i) seconds[i] = 0.0;
    if (!pool) {
        for (const convc_segment *s = table->segments; s < table->segments + table->segment_count; ++s) {
            for (int number = 0; number < s->portions; ++number) {
                const convc_frame alone = frame_of(frame, s->portion, number, 0, 1);
                run_portion(table->steps, s, &alone, seconds, 1, NULL);
            }
        }
        return 0;
    }
    if (start_workers(pool) != 0) return -1;
    pool->table = table;
    pool->frame = frame;
    pool->seconds = seconds;
    pool->began = seconds ? now() : 0.0;
    enter(pool, 0);
    advance(pool, 0);
    wake_all(pool);
    take_part_in_run(pool, 0);
    return 0;
}
