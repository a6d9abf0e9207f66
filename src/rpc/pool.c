#include "rpc/pool.h"

#include <pthread.h>
#include <stdlib.h>

struct call_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct letter *first, *last;
    size_t waiting, queue_max;
    bool stopping;
    size_t thread_count;
    pthread_t threads[];
};

static struct letter *take(struct call_pool *p)
{
    struct letter *l = NULL;

    (void)pthread_mutex_lock(&p->lock);
    while (!p->stopping && !p->first) (void)pthread_cond_wait(&p->work, &p->lock);
    if (!p->stopping) {
        l = p->first;
        p->first = l->next;
        p->waiting--;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return l;
}

static void *thread_main(void *arg)
{
    struct call_pool *p = arg;
    struct letter *l;

    while ((l = take(p)) != NULL) l->run(l);
    return NULL;
}

enum fan_status call_pool_new(size_t threads, size_t queue_max, struct call_pool **out)
{
    struct call_pool *p = calloc(1, sizeof *p + threads * sizeof p->threads[0]);

    if (!p) return FAN_ENOMEM;
    p->queue_max = queue_max;
    (void)pthread_mutex_init(&p->lock, NULL); /* with default attributes these cannot fail on Linux */
    (void)pthread_cond_init(&p->work, NULL);
    for (; p->thread_count < threads; p->thread_count++) {
        if (pthread_create(&p->threads[p->thread_count], NULL, thread_main, p)) {
            call_pool_stop(p, NULL); /* nothing waits yet */
            call_pool_free(p);
            return FAN_ESYSTEM;
        }
        (void)pthread_setname_np(p->threads[p->thread_count], "fan-call");
    }
    *out = p;
    return FAN_OK;
}

bool call_pool_submit(struct call_pool *p, struct letter *l)
{
    bool taken = false;

    (void)pthread_mutex_lock(&p->lock);
    if (!p->stopping && p->waiting < p->queue_max) {
        l->next = NULL;
        if (p->first)
            p->last->next = l;
        else
            p->first = l;
        p->last = l;
        p->waiting++;
        taken = true;
        (void)pthread_cond_signal(&p->work);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return taken;
}

void call_pool_stop(struct call_pool *p, void (*abandoned)(struct letter *l))
{
    (void)pthread_mutex_lock(&p->lock);
    p->stopping = true;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->thread_count; i++) (void)pthread_join(p->threads[i], NULL);
    p->thread_count = 0;
    while (p->first) {
        struct letter *l = p->first;

        p->first = l->next;
        abandoned(l);
    }
}

void call_pool_free(struct call_pool *p)
{
    if (!p) return;
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}
