import { describe, expect, test } from 'vitest'
import { Interrupted, withEnds } from './ends.ts'

describe('whatever a bench started', () => {
  test('is ended in reverse order, one after the other', async () => {
    const ended: string[] = []
    await withEnds(async (ends) => {
      ends(async () => {
        await Promise.resolve()
        ended.push('first')
      })
      ends(() => ended.push('second'))
    })
    expect(ended).toEqual(['second', 'first'])
  })

  test('is ended when the bench fails, and when one end fails', async () => {
    const ended: string[] = []
    const bench = withEnds(async (ends) => {
      ends(() => ended.push('first'))
      ends(() => Promise.reject(new Error('an end that failed')))
      throw new Error('the load failed')
    })
    await expect(bench).rejects.toThrow('the load failed')
    expect(ended).toEqual(['first'])
  })

  test.each(['SIGINT', 'SIGTERM'] as const)('is ended on %s, and what comes late at once', async (signal) => {
    const ended: string[] = []
    const late = Promise.withResolvers<void>()
    const bench = withEnds(async (ends) => {
      ends(() => ended.push('first'))
      process.emit(signal)
      await late.promise
      ends(() => ended.push('late'))
    })
    await expect(bench).rejects.toThrow(Interrupted)
    expect(ended).toEqual(['first'])
    late.resolve()
    await late.promise
    expect(ended).toEqual(['first', 'late'])
  })
})
