import type { webApi } from '@slack/bolt'
import type { Place } from '#access/adapters/queues.ts'
import type { Shown } from '#access/adapters/redis/cards.ts'
import { Fault } from '#access/domain/errors.ts'
import { cutMarkup, cutMarkupToBytes } from '#access/messages/slack-text.ts'
import { attempt, awaitTurn, type Content, giveUp, postsTo, type Run, tier3 } from './call-slack.ts'
import { longestText, nameOf } from './message-job.ts'
import { isGone, refusesBlocks, refusesThread } from './slack-trouble.ts'

/** In bytes. https://docs.slack.dev/reference/methods/chat.update: a longer text is refused (`msg_too_long`). */
const longestUpdate = 4_000

type Saying = Content & { readonly thread?: string }

/** Posts a message when it is its channel's turn. `owner` names it in the line of those who wait for theirs. */
export const post = async (
  run: Run,
  to: Place,
  owner: string,
  saying: Saying,
): Promise<Pick<Shown, 'channel' | 'ts'>> => {
  const channel = await channelOf(run, to)
  const lane = postsTo(channel)
  await awaitTurn(run, lane, owner)
  for (let said: Saying | undefined = saying; ; ) {
    const { text, thread } = said
    const blocks = asBlocks(said)
    const sent = await attempt(run, lane, owner, () =>
      run.slack.chat.postMessage({
        channel,
        text: cutMarkup(text, longestText),
        ...(blocks === undefined ? {} : { blocks }),
        ...(thread === undefined ? {} : { thread_ts: thread }),
        unfurl_links: false,
        unfurl_media: false,
      }),
    )
    if ('answer' in sent) return { channel: sent.answer.channel ?? channel, ts: sent.answer.ts ?? '' }
    const { code } = sent.refused
    if ('user' in to && code === 'channel_not_found') {
      await run.cards.forgetDirect(to.team, to.user)
      throw new Fault('slack/failed', `the direct messages with ${to.user} are in another channel now`)
    }
    said = without(said, code)
    if (said === undefined) return giveUp(`a message to ${nameOf(to)}`, sent)
    run.alarm?.('a message is delivered in a lesser form', { to: nameOf(to), refused: code })
  }
}

/** What is left of a message without the part that was refused; undefined when that is nothing. */
const without = ({ text, blocks, thread }: Saying, code: string): Saying | undefined => {
  if (blocks !== undefined && refusesBlocks(code))
    return { text, ...(thread === undefined ? {} : { thread }) }
  if (thread !== undefined && refusesThread(code))
    return { text, ...(blocks === undefined ? {} : { blocks }) }
  return undefined
}

/** Updates a message in place, in turn. False when it can't be updated any more. */
export const update = async (
  run: Run,
  { channel, ts }: Shown,
  owner: string,
  content: Content,
): Promise<boolean> => {
  const lane = tier3('chat.update')
  await awaitTurn(run, lane, owner)
  const put = (text: string, blocks: webApi.KnownBlock[]) =>
    attempt(run, lane, owner, () =>
      run.slack.chat.update({ channel, ts, text: cutMarkupToBytes(text, longestUpdate), blocks }),
    )
  // Blocks that aren't given would stay.
  let sent = await put(content.text, asBlocks(content) ?? [])
  if ('refused' in sent && refusesBlocks(sent.refused.code)) {
    run.alarm?.('a message is delivered in a lesser form', { to: channel, refused: sent.refused.code })
    sent = await put(content.text, [])
  }
  if ('answer' in sent) return true
  return isGone(sent.refused.code) ? false : giveUp(`an update in ${channel}`, sent)
}

/** The channel of a place. Opening somebody's direct messages again gives the same channel. */
const channelOf = async (run: Run, to: Place): Promise<string> => {
  if ('channel' in to) return to.channel
  const known = await run.cards.findDirect(to.team, to.user)
  if (known !== undefined) return known
  const lane = tier3('conversations.open')
  const owner = `${to.team}/${to.user}`
  await awaitTurn(run, lane, owner)
  const opened = await attempt(run, lane, owner, () => run.slack.conversations.open({ users: to.user }))
  if ('refused' in opened) return giveUp(`direct messages with ${to.user}`, opened)
  const channel = opened.answer.channel?.id
  if (channel === undefined) throw new Fault('slack/failed', 'Slack opened no channel for direct messages')
  await run.cards.rememberDirect(to.team, to.user, channel)
  return channel
}

/** Slack itself checks what is in them. */
const asBlocks = ({ blocks }: Content): webApi.KnownBlock[] | undefined =>
  blocks === undefined ? undefined : ([...blocks] as webApi.KnownBlock[])
