import type { Redis } from 'ioredis'
import { closeForGood, readBlocking } from './connect.ts'
import { readStreamReply, type StreamEntry } from './stream-reply.ts'

const blockMs = 1_000
const batch = 100
/** What another consumer took and has not finished for this long is taken over. */
const claimAfterMs = 30_000

/**
 * Reads a stream as one of a group of consumers: every entry reaches `handle` at least once, whoever dies. An entry
 * counts as done when `handle` resolves; one that rejects is tried again.
 */
export const consumeStream = ({
  prompt,
  patient,
  stream,
  group,
  consumer,
  from,
  handle,
  alarm,
}: {
  readonly prompt: Redis
  /** A connection of its own, for the blocking read. */
  readonly patient: Redis
  readonly stream: string
  readonly group: string
  readonly consumer: string
  /** Where a new group begins: `0` from the oldest entry. */
  readonly from: '0' | '$'
  readonly handle: (id: string, fields: readonly string[], again: boolean) => Promise<void>
  readonly alarm: (what: string, facts: Record<string, unknown>) => void
}) => {
  let stopped = false
  let claimedAt = 0

  const prepare = async (): Promise<void> => {
    try {
      await prompt.xgroup('CREATE', stream, group, from, 'MKSTREAM')
    } catch (error) {
      if (!(error as Error).message.startsWith('BUSYGROUP')) throw error
    }
  }

  const handleAll = async (entries: readonly StreamEntry[], again: boolean): Promise<void> => {
    for (const [id, fields] of entries) {
      if (stopped) return
      if (fields !== null) await handle(id, fields, again)
      await prompt.xack(stream, group, id)
    }
  }

  /** What this consumer took before and did not finish. */
  const finishOwn = async (): Promise<void> => {
    while (!stopped) {
      const reply = await prompt.xreadgroup('GROUP', group, consumer, 'COUNT', batch, 'STREAMS', stream, '0')
      const entries = readStreamReply(reply).get(stream) ?? []
      if (entries.length === 0) return
      await handleAll(entries, true)
    }
  }

  const claimAbandoned = async (): Promise<void> => {
    if (performance.now() - claimedAt < claimAfterMs) return
    claimedAt = performance.now()
    const [, entries] = (await prompt.xautoclaim(
      stream,
      group,
      consumer,
      claimAfterMs,
      '0',
      'COUNT',
      batch,
    )) as [string, StreamEntry[]]
    await handleAll(entries, true)
  }

  const run = async (): Promise<void> => {
    let prepared = false
    let told = ''
    while (!stopped) {
      try {
        if (!prepared) {
          await prepare()
          await finishOwn()
          prepared = true
        }
        await claimAbandoned()
        const words = ['GROUP', group, consumer, 'COUNT', batch, 'BLOCK', blockMs, 'STREAMS', stream, '>']
        const reply = await readBlocking(patient, blockMs, 'XREADGROUP', ...words)
        await handleAll(readStreamReply(reply).get(stream) ?? [], false)
        told = ''
      } catch (error) {
        if (stopped) return
        prepared = false
        const what = (error as Error).message
        if (told !== what)
          alarm('a stream entry could not be handled; it is tried again', { stream, error: what })
        told = what
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
  }
  const running = run()

  return {
    stop: async (): Promise<void> => {
      stopped = true
      closeForGood(patient)
      await running
    },
  }
}
