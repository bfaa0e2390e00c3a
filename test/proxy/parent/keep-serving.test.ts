import { describe, expect, test, vi } from 'vitest'
import { isFault } from '#access/domain/errors.ts'
import { keepServing, type Pace } from '#proxy/parent/keep-serving.ts'
import type { Exit, Serving } from '#proxy/parent/serving.ts'

/** A process that does what the test says. */
const createProcess = (name: string, changed: () => void) => {
  const { promise: exited, resolve: exit } = Promise.withResolvers<Exit>()
  const signals: NodeJS.Signals[] = []
  let waitsFor: readonly string[] | undefined
  let mayListen = false
  let listens = false
  const serving: Serving = {
    name,
    pid: 1,
    exited,
    rules: () => ({ hash: `rules of ${name}`, path: 'access.yaml', files: new Map() }),
    waitsFor: () => waitsFor,
    mode: () => undefined,
    listens: () => listens,
    letListen: () => {
      mayListen = true
    },
    measure: () => Promise.resolve(undefined),
    signal: (signal) => void signals.push(signal),
  }
  return {
    serving,
    signals,
    mayListen: () => mayListen,
    waits: (...forWhat: string[]): void => {
      waitsFor = forWhat
      changed()
    },
    listen: (): void => {
      listens = true
      changed()
    },
    exit: (code = 0): void => exit({ code, signal: null }),
  }
}
type Fake = ReturnType<typeof createProcess>

const startAll = (count: number, pace: Partial<Pace> = {}) => {
  const begun: Fake[] = []
  const told: string[] = []
  const tell = (_: unknown, what: string): void => void told.push(what)
  const kept = keepServing({
    instance: 'edge',
    count,
    start: (name, changed) => {
      const fake = createProcess(name, changed)
      begun.push(fake)
      return fake.serving
    },
    log: { info: tell, warn: tell, error: tell },
    pace: { firstMs: 0, slowestMs: 0, calmMs: 0, readyMs: 600_000, ...pace },
  })
  kept.catch(() => undefined)
  const nth = async (index: number): Promise<Fake> => {
    await vi.waitUntil(() => begun.length > index, { timeout: 30_000 })
    return begun[index] as Fake
  }
  /** Its n-th process is ready and listens. */
  const serve = async (index: number): Promise<Fake> => {
    const one = await nth(index)
    one.waits()
    await vi.waitUntil(one.mayListen, { timeout: 30_000 })
    one.listen()
    return one
  }
  return { kept, begun, told, nth, serve }
}
const names = (all: readonly { readonly name: string }[]): string[] => all.map(({ name }) => name)
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20))

describe('The parent', () => {
  test('starts the others once the first one listens, which need not be in step', async () => {
    const { kept, begun, nth, serve } = startAll(3)
    const first = await nth(0)
    expect(first.mayListen()).toBe(false)
    first.waits('Redis')
    expect(first.mayListen()).toBe(true)
    await settled()
    expect(begun).toHaveLength(1)
    first.listen()
    const { processes, waitingFor } = await kept
    expect(names(processes())).toEqual(['edge.1', 'edge.2', 'edge.3'])
    expect(waitingFor()).toEqual(['Redis'])

    // The others get nothing before they are in step, as one is there already.
    const second = await nth(1)
    second.waits('Redis')
    expect(second.mayListen()).toBe(false)
    first.waits()
    await serve(1)
    expect(waitingFor()).toEqual([])
    expect(processes().map(({ status }) => status)).toEqual(['ready', 'ready', 'starting'])
  })

  test('faults when the first one ends before it listens', async () => {
    const { kept, begun, nth } = startAll(2)
    ;(await nth(0)).exit(1)
    await expect(kept).rejects.toSatisfy((error: unknown) => isFault(error, 'proxy/not-serving'))
    expect(begun).toHaveLength(1)
  })

  test('starts another one in the place of one that ends by itself, under its name', async () => {
    const { kept, begun, told, nth, serve } = startAll(2)
    await serve(0)
    const { processes, waitingFor } = await kept
    const second = await serve(1)
    second.exit(1)
    await nth(2)
    expect(told).toContain('a serving process ended by itself')
    expect(names(processes())).toEqual(['edge.1', 'edge.2'])
    expect(waitingFor()).toEqual([])
    await serve(2)
    await settled()
    expect(begun).toHaveLength(3)
  })

  test('lets one listen that is not in step, when nobody else is there any more', async () => {
    const { kept, nth, serve } = startAll(2)
    const first = await serve(0)
    const { waitingFor } = await kept
    const second = await nth(1)
    second.waits('Redis')
    expect(second.mayListen()).toBe(false)
    first.exit(1)
    await vi.waitUntil(second.mayListen, { timeout: 30_000 })
    expect(waitingFor()).toEqual(['a process that serves'])
  })

  test('waits before it starts one again', async () => {
    const { kept, begun, serve } = startAll(1, { firstMs: 600_000, slowestMs: 600_000 })
    const first = await serve(0)
    const { waitingFor } = await kept
    first.exit(1)
    await settled()
    expect(begun).toHaveLength(1)
    expect(waitingFor()).toEqual(['a process that serves'])
  })
})

describe('Replacing them', () => {
  const startTwo = async () => {
    const all = startAll(2)
    const first = await all.serve(0)
    const kept = await all.kept
    const second = await all.serve(1)
    return { ...all, ...kept, first, second }
  }

  test('goes one by one: the old one drains once the new one serves', async () => {
    const { replaceAll, processes, rules, serve, nth, begun, first, second } = await startTwo()
    const done = replaceAll()
    const third = await nth(2)
    expect(first.signals).toEqual([])
    third.waits('Redis')
    expect([third.mayListen(), begun.length]).toEqual([false, 3])
    await serve(2)
    await vi.waitUntil(() => first.signals.length > 0, { timeout: 30_000 })
    expect([first.signals, second.signals]).toEqual([['SIGTERM'], []])
    await serve(3)
    expect(await done).toBe(true)
    expect(second.signals).toEqual(['SIGTERM'])
    expect(processes().map(({ name, status }) => `${name} ${status}`)).toEqual([
      'edge.1 draining',
      'edge.2 draining',
      'edge.3 ready',
      'edge.4 ready',
    ])
    expect(rules()?.hash).toBe('rules of edge.4')
    first.exit()
    second.exit()
    await settled()
    expect(begun).toHaveLength(4)
    expect(names(processes())).toEqual(['edge.3', 'edge.4'])
  })

  test('stops where the new one ends: the old ones go on', async () => {
    const { replaceAll, processes, nth, begun, first, second, told } = await startTwo()
    const done = replaceAll()
    ;(await nth(2)).exit(1)
    expect(await done).toBe(false)
    expect([...first.signals, ...second.signals]).toEqual([])
    expect(told.at(-1)).toContain('the old ones go on')
    await settled()
    expect(begun).toHaveLength(3)
    expect(names(processes())).toEqual(['edge.1', 'edge.2'])
  })

  test('stops where the new one does not get ready in time, and ends that one', async () => {
    const { serve, kept, nth, begun } = startAll(1, { readyMs: 30 })
    const first = await serve(0)
    const { replaceAll } = await kept
    const done = replaceAll()
    const second = await nth(1)
    second.waits('Redis')
    expect(await done).toBe(false)
    expect([first.signals, second.signals]).toEqual([[], ['SIGINT']])
    second.exit()
    await settled()
    expect(begun).toHaveLength(2)
  })

  test('asked for meanwhile, it begins again when it is through', async () => {
    const { serve, kept, nth } = startAll(1)
    const first = await serve(0)
    const { replaceAll } = await kept
    const done = replaceAll()
    await nth(1)
    expect(await replaceAll()).toBe(false)
    const second = await serve(1)
    await serve(2)
    expect(await done).toBe(true)
    expect([first.signals, second.signals]).toEqual([['SIGTERM'], ['SIGTERM']])
  })

  test('one that dies meanwhile is not started once more', async () => {
    const { replaceAll, processes, serve, nth, begun, first, second } = await startTwo()
    const done = replaceAll()
    await nth(2)
    second.exit(1)
    await serve(2)
    await serve(3)
    expect(await done).toBe(true)
    first.exit()
    await settled()
    expect(begun).toHaveLength(4)
    expect(names(processes())).toEqual(['edge.3', 'edge.2'])
  })
})

describe('In the end', () => {
  test('each one drains, and it is over with the last of them', async () => {
    const { kept, serve, begun } = startAll(2)
    const first = await serve(0)
    const { drain } = await kept
    const second = await serve(1)
    let over = false
    const done = drain().then((what) => {
      over = true
      return what
    })
    expect([first.signals, second.signals]).toEqual([['SIGTERM'], ['SIGTERM']])
    first.exit()
    await settled()
    expect(over).toBe(false)
    second.exit()
    expect(await done).toBe('all serving processes have ended')
    expect(begun).toHaveLength(2)
  })

  test('one that does not stop in order is named', async () => {
    const { kept, serve } = startAll(1)
    const first = await serve(0)
    const { stop } = await kept
    const done = stop()
    expect(first.signals).toEqual(['SIGINT'])
    first.exit(1)
    await expect(done).rejects.toThrow('edge.1 did not stop in order')
  })
})
