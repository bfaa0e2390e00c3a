import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { cpuBetween, readCpu } from './cpu.ts'

const burner = fileURLToPath(new URL('burner.ts', import.meta.url))
const burnMs = 400
/** What a process needs besides: answering, and collecting garbage. */
const besidesMs = 350

const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

/** A process that can use CPU by itself, by a child and by a thread, each as it is told. */
const startBurner = async () => {
  const child = fork(burner)
  started.push(child)
  await once(child, 'message')
  return {
    pid: child.pid ?? 0,
    burn: async (where: 'self' | 'child' | 'thread' | 'end the child'): Promise<void> => {
      child.send({ where, ms: burnMs })
      await once(child, 'message')
    },
  }
}

describe('the CPU that a contender uses', { timeout: 60_000 }, () => {
  test.each(['self', 'child', 'thread'] as const)('counts where it is used: %s', async (where) => {
    const { pid, burn } = await startBurner()
    const before = readCpu([pid])
    await burn(where)
    const used = cpuBetween(before, readCpu([pid])) / 1_000
    expect(used).toBeGreaterThanOrEqual(burnMs * 0.95)
    expect(used).toBeLessThan(burnMs + besidesMs)
  })

  test('counts over all processes, each once', async () => {
    const [one, other] = [await startBurner(), await startBurner()]
    const roots = [one.pid, other.pid, one.pid, other.pid]
    const before = readCpu(roots)
    await Promise.all([one.burn('self'), other.burn('child')])
    const used = cpuBetween(before, readCpu(roots)) / 1_000
    expect(used).toBeGreaterThanOrEqual(2 * burnMs * 0.95)
    expect(used).toBeLessThan(2 * (burnMs + besidesMs))
  })

  test('does not count what went before', async () => {
    const { pid, burn } = await startBurner()
    await burn('self')
    await burn('child')
    const before = readCpu([pid])
    expect(cpuBetween(before, readCpu([pid])) / 1_000).toBeLessThan(besidesMs)
  })

  test('is not told of a process that has ended meanwhile', async () => {
    const { pid, burn } = await startBurner()
    const before = readCpu([pid])
    await burn('end the child')
    expect(() => cpuBetween(before, readCpu([pid]))).toThrow('ended while it was measured')
  })

  test('takes the time of the process where one of its threads has ended', () => {
    const process = (ticks: number, threads: readonly (readonly [number, number])[]) => [
      { pid: 7, ticks, threads: new Map(threads) },
    ]
    const before = process(100_000, [
      [7, 60_000],
      [8, 45_000],
    ])
    expect(cpuBetween(before, process(400_000, [[7, 70_000]]))).toBe(300_000)
    expect(
      cpuBetween(
        before,
        process(400_000, [
          [7, 70_000],
          [8, 345_000],
        ]),
      ),
    ).toBe(310_000)
    // A thread that came and went is in the time of the process only.
    expect(
      cpuBetween(
        before,
        process(900_000, [
          [7, 70_000],
          [8, 345_000],
        ]),
      ),
    ).toBe(800_000)
  })
})
