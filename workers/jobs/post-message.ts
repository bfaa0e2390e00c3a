import type { webApi } from '@slack/bolt'
import { DelayedError, type Job } from 'bullmq'
import { z } from 'zod'
import { Fault } from '#access/domain/errors.ts'
import type { Clock } from '#access/ports.ts'

const shape = z.object({ channel: z.string(), text: z.string().min(1).max(40_000) })

const slackError = z.object({
  code: z.string(),
  retryAfter: z.number().optional(),
  data: z.object({ error: z.string() }).optional(),
})

/** Posts one message. Slack's rate limit puts it off without counting as a failure; other errors are tried again. */
export const postMessage = async (
  slack: webApi.WebClient,
  job: Job<unknown>,
  token: string | undefined,
  clock: Clock,
): Promise<void> => {
  const { channel, text } = shape.parse(job.data)
  try {
    await slack.chat.postMessage({ channel, text, unfurl_links: false, unfurl_media: false })
  } catch (error) {
    const known = slackError.safeParse(error).data
    if (known?.code === 'slack_webapi_rate_limited_error') {
      await job.moveToDelayed(clock.now() + (known.retryAfter ?? 1) * 1_000, token)
      throw new DelayedError()
    }
    const what = known?.data?.error ?? (error as Error).message
    throw new Fault('slack/failed', `Slack refused a message to ${channel}: ${what}`, { cause: error })
  }
}
