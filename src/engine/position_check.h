/* position_check: now and then this worker asks the broker whether its positioned
 * subscribers really stand at the top of their stream (row HI-15). Between the workers of
 * one process nothing is lost unseen; a broker outside may lose.
 *
 * Asked once a channel, not once a subscriber, away from the message path: every
 * client.presence_update_interval, of channels about which nothing was heard for longer
 * than client.channel_position_check_delay. A publication may be on its way to us while
 * the top is read, so one difference is only a doubt; the second one in a row, with
 * nothing heard between, ends the channel's positioned subscriptions with insufficient
 * state. Owned by the engine's worker; not a public header of the engine. */
#ifndef XSHATHRA_ENGINE_POSITION_CHECK_H
#define XSHATHRA_ENGINE_POSITION_CHECK_H

#include "engine/engine.h"

/* Several times a second: starts a round when it is time. */
void position_check_tick(struct engine *e);
/* A broker's late answer to no client and no API call: true when a check had asked; taken over. */
bool position_check_answered(struct engine *e, struct broker_completion *completion);
/* Questions without an answer are forgotten: at the end. */
void position_check_deinit(struct engine *e);

/* Something of the stream has come to the channel. */
static inline void position_check_heard(const struct engine *e, struct hub_channel *channel)
{
    channel->heard_s = (uint32_t)(e->now_ms / 1000);
    channel->doubted = false;
}

#endif
