import { expect, inject, test } from 'vitest'
import { createGlassReviews } from '#access/adapters/redis/glass-reviews.ts'
import { freshDatabase } from '../../../builders.ts'

test('One break-glass pass of each waits for its review, until that one is reviewed', async () => {
  const { redis, close } = await freshDatabase(inject('redisUrl'), 136)
  const reviews = createGlassReviews(redis)
  expect(await reviews.waiting('i ana')).toBeUndefined()
  expect(await reviews.begin('i ana', 'one')).toBe(true)
  expect(await reviews.begin('i ana', 'one')).toBe(true)
  expect(await reviews.begin('i ana', 'two')).toBe(false)
  expect(await reviews.begin('i ben', 'two')).toBe(true)
  expect(await reviews.done('i ana', 'two')).toBe(false)
  expect(await reviews.waiting('i ana')).toBe('one')
  expect(await reviews.done('i ana', 'one')).toBe(true)
  expect(await reviews.done('i ana', 'one')).toBe(false)
  expect(await reviews.begin('i ana', 'two')).toBe(true)
  await close()
})
