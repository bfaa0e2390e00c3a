import { createHash } from 'node:crypto'
import type { Job } from 'bullmq'
import { z } from 'zod'
import type { Place } from '#access/adapters/queues.ts'
import type { Content, DeliveryParts, Run } from './call-slack.ts'
import { type Message, nameOf, readMessage } from './message-job.ts'
import { putOff } from './put-off.ts'
import { post, update } from './say.ts'

const comeAgainMs = 1_000
/** A card that was not posted by then is not waited for by what belongs in its thread. */
const waitForThreadMs = 60_000

/**
 * Delivers one message to Slack, at least once. Whoever has to wait (for a turn, a thread, another worker) is put off
 * without counting as a failure. Rejects with `slack/failed` to be tried again, and with an `UnrecoverableError` that
 * names the mend when trying again is of no use.
 */
export const deliverMessage = async (
  parts: DeliveryParts,
  job: Job<unknown>,
  token: string | undefined,
): Promise<void> => {
  const message = readMessage(job.data)
  const run: Run = { ...parts, job, token }
  if (message.kind === 'card') return deliverCard(run, message)
  const { to, text, blocks } = message
  const thread = await threadOf(run, to, message.thread)
  await post(run, to, `job ${job.id}`, { text, ...(blocks === undefined ? {} : { blocks }), ...thread })
}

/** However many jobs there are for a card, each shows its present state, and only a change of that is a call. */
const deliverCard = async (
  run: Run,
  { to, card, thread, ifPosted }: Message & { kind: 'card' },
): Promise<void> => {
  const { cards, job, token } = run
  const place = nameOf(to)
  const holder = `${job.id} ${token}`
  if (!(await cards.lock(place, card, holder))) return putOff(job, token, comeAgainMs)
  try {
    const shown = await cards.find(place, card)
    if (shown === undefined && ifPosted) return
    const content = await run.render(card, to)
    if (content === undefined) return
    const hash = hashOf(content)
    if (shown?.hash === hash) return
    const owner = `card ${place} ${card}`
    if (shown !== undefined) {
      if (await update(run, shown, owner, content))
        return await cards.remember(place, card, { ...shown, hash })
      await cards.forget(place, card)
    }
    const posted = await post(run, to, owner, { ...content, ...(await threadOf(run, to, thread)) })
    await cards.remember(place, card, { ...posted, hash })
  } finally {
    // It expires by itself.
    await cards.unlock(place, card, holder).catch(() => undefined)
  }
}

const progressShape = z.object({ waitsSince: z.number() })

/** The thread of a card in this place. While the card is not posted the job waits, but not for ever. */
const threadOf = async (
  { cards, job, token, clock }: Run,
  to: Place,
  card: string | undefined,
): Promise<{ readonly thread?: string }> => {
  if (card === undefined) return {}
  const shown = await cards.find(nameOf(to), card)
  if (shown !== undefined) return { thread: shown.ts }
  const now = clock.now()
  const since = progressShape.safeParse(job.progress).data?.waitsSince
  if (since === undefined) await job.updateProgress({ waitsSince: now })
  return now - (since ?? now) < waitForThreadMs ? putOff(job, token, comeAgainMs) : {}
}

const hashOf = ({ text, blocks = [] }: Content): string =>
  createHash('sha256')
    .update(JSON.stringify([text, blocks]))
    .digest('base64url')
