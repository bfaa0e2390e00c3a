import { expect, test } from 'vitest'
import { inTurn } from '#proxy/in-turn.ts'

const collected = () => {
  const batches: { readonly all: readonly number[]; readonly done: PromiseWithResolvers<void> }[] = []
  const write = inTurn((all: readonly number[]) => {
    const done = Promise.withResolvers<void>()
    batches.push({ all, done })
    return done.promise
  })
  return { batches, write }
}

test('What comes while a batch is on its way goes together in the next', async () => {
  const { batches, write } = collected()
  const first = write([1, 2])
  const others = [write([3]), write([4, 5])]
  expect(batches.map(({ all }) => all)).toEqual([[1, 2]])
  batches[0]?.done.resolve()
  await first
  await expect
    .poll(() => batches.map(({ all }) => all))
    .toEqual([
      [1, 2],
      [3, 4, 5],
    ])
  batches[1]?.done.resolve()
  await Promise.all(others)
  const last = write([6])
  await expect.poll(() => batches.at(-1)?.all).toEqual([6])
  batches[2]?.done.resolve()
  await last
})

test('A batch that fails fails for all of it, and the next goes its way', async () => {
  const { batches, write } = collected()
  const first = write([1])
  const [second, third] = [write([2]), write([3])]
  batches[0]?.done.reject(new Error('no Redis'))
  await expect(first).rejects.toThrow('no Redis')
  await expect.poll(() => batches.at(-1)?.all).toEqual([2, 3])
  batches[1]?.done.reject(new Error('still none'))
  await expect(second).rejects.toThrow('still none')
  await expect(third).rejects.toThrow('still none')
  const last = write([4])
  await expect.poll(() => batches.at(-1)?.all).toEqual([4])
  batches[2]?.done.resolve()
  await last
})
