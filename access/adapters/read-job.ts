import { UnrecoverableError } from 'bullmq'
import { z } from 'zod'

const longestWhy = 500

/** A job that nobody of ours put there, or that an older Pagepass did: it is not tried again, and kept for somebody to see. */
export class UnfitJob extends UnrecoverableError {}

/** What a job says. Rejects what has another shape with its reason, which repeats nothing of what it holds. */
export const readJob = <T extends z.ZodType>(shape: T, data: unknown, isWhat: string): z.output<T> => {
  const parsed = shape.safeParse(data)
  if (parsed.success) return parsed.data
  throw new UnfitJob(`this is no ${isWhat}: ${z.prettifyError(parsed.error)}`.slice(0, longestWhy))
}
