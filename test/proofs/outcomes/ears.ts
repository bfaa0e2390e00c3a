import { z } from 'zod'
import { answerJson } from '#infra/sandbox/http/answer.ts'
import { readBody } from '#infra/sandbox/http/body.ts'
import { listen } from '#infra/sandbox/http/listen.ts'
import { serve } from '#infra/sandbox/http/serve.ts'
import { freePort } from '#infra/sandbox/start/ports.ts'

const said = z.object({ channel: z.string(), text: z.string() })
const patienceMs = 15_000

/**
 * Hears what the bots post in Slack. Every click comes from a channel of its own, so that each answer belongs to one
 * click; the sandbox's Slack knows a handful of channels only, and this one has no state worth its rate limits.
 */
export const startEars = async () => {
  const heard = new Map<string, string[]>()
  const waiting = new Map<string, () => void>()
  const listening = await listen(
    serve(async (request, response) => {
      const body = await readBody(request)
      if (!request.url?.endsWith('/chat.postEphemeral')) return answerJson(response, 200, { ok: true })
      const { channel, text } = said.parse(Object.fromEntries(new URLSearchParams(body)))
      heard.set(channel, [...(heard.get(channel) ?? []), text])
      waiting.get(channel)?.()
      answerJson(response, 200, { ok: true, message_ts: '1.000001' })
    }),
    await freePort(),
  )
  return {
    port: listening.port,
    close: listening.close,
    /** The first text posted to a channel; undefined when none comes. */
    first: (channel: string): Promise<string | undefined> =>
      new Promise((resolve) => {
        const [text] = heard.get(channel) ?? []
        if (text !== undefined) return resolve(text)
        const late = setTimeout(() => resolve(undefined), patienceMs)
        waiting.set(channel, () => {
          clearTimeout(late)
          waiting.delete(channel)
          resolve(heard.get(channel)?.[0])
        })
      }),
    /** Channels in which more than one answer was heard. */
    doubled: (): string[] => [...heard].filter(([, texts]) => texts.length > 1).map(([channel]) => channel),
  }
}
export type Ears = Awaited<ReturnType<typeof startEars>>
