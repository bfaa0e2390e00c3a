import type { IncomingMessage } from 'node:http'
import { preciseNow } from './streams.ts'

export type SeenRequest = {
  readonly at: number
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
}

const KEPT = 200

/** Counts every request, and keeps the latest ones to look at. */
export const createRequests = () => {
  const latest: SeenRequest[] = []
  let count = 0
  return {
    see({ method = '', url = '', rawHeaders }: IncomingMessage): void {
      count += 1
      latest.push({ at: preciseNow(), method, target: url, rawHeaders })
      if (latest.length > KEPT) latest.shift()
    },
    count: (): number => count,
    latest: (): readonly SeenRequest[] => latest,
  }
}
