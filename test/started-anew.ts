import { afterAll, beforeAll, beforeEach } from 'vitest'

const withinMs = 180_000

/** What the tests of a file share. A test that is tried again gets it anew, whatever its first try left. */
export const startedAnew = (start: () => Promise<void>, stop: () => Promise<void>): void => {
  beforeAll(start, withinMs)
  afterAll(stop)
  beforeEach(async ({ task }) => {
    if ((task.result?.retryCount ?? 0) === 0) return
    await stop()
    await start()
  }, withinMs)
}
