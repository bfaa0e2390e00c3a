import { readdir } from 'node:fs/promises'
import { get } from 'node:http'
import { z } from 'zod'
import type { Inspector } from '../../bench/inspector.ts'
import { until } from '../../builders/proxy.ts'
import type { Scene } from './scene.ts'

/** How many descriptors a process holds: sockets, files, pipes (Linux). */
export const descriptors = async (pid: number): Promise<number> => (await readdir(`/proc/${pid}/fd`)).length

const heap = z.object({ usedSize: z.number(), backingStorageSize: z.number() })
const remote = z.object({ result: z.object({ objectId: z.string() }) })
const listed = z.object({ objects: z.object({ objectId: z.string() }) })
const number = z.object({ result: z.object({ value: z.number() }) })

/** JavaScript objects and the memory of buffers, without garbage. Bytes. */
export const usedHeap = async (inspector: Inspector): Promise<number> => {
  for (let time = 0; time < 3; time += 1) await inspector.ask('HeapProfiler.collectGarbage')
  const { usedSize, backingStorageSize } = heap.parse(await inspector.ask('Runtime.getHeapUsage'))
  return usedSize + backingStorageSize
}

const group = 'aborts'

/** How many objects of a kind are alive and pass a test. Garbage is collected before. */
const alive = async (inspector: Inspector, prototype: string, test: string): Promise<number> => {
  const { result } = remote.parse(
    await inspector.ask('Runtime.evaluate', { expression: prototype, objectGroup: group }),
  )
  const { objects } = listed.parse(
    await inspector.ask('Runtime.queryObjects', { prototypeObjectId: result.objectId, objectGroup: group }),
  )
  const counted = await inspector.ask('Runtime.callFunctionOn', {
    objectId: objects.objectId,
    functionDeclaration: `function () { return this.filter(${test}).length }`,
    returnByValue: true,
  })
  await inspector.ask('Runtime.releaseObjectGroup', { objectGroup: group })
  return number.parse(counted).result.value
}

const timeout =
  '(() => { const one = setTimeout(() => {}, 0); clearTimeout(one); return one.constructor.prototype })()'

/** Timers that are to fire, also those that keep no process alive. */
export const timers = (inspector: Inspector): Promise<number> =>
  alive(inspector, timeout, '(one) => one._destroyed === false')

/** Sockets, requests, answers and streams of HTTP/2, open or not. */
export const streams = (inspector: Inspector): Promise<number> =>
  alive(inspector, "process.getBuiltinModule('node:stream').Stream.prototype", '() => true')

export type Metrics = { readonly open: number; readonly pending: number; readonly identities: number }

/** What the proxy says of itself. */
export const readMetrics = async ({ proxy }: Scene): Promise<Metrics> => {
  let text = ''
  // A serving process that is busy may miss its turn to be asked.
  await until(async () => {
    text = await page(proxy.adminPort)
    return text.includes('\npagepass_open{')
  }, 'the metrics of the process that serves')
  const sum = (name: string): number => {
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`))
    if (lines.length === 0) throw new Error(`there is no metric ${name}`)
    return lines.reduce((total, line) => total + Number(line.split(' ').at(-1)), 0)
  }
  return {
    open: sum('pagepass_open'),
    pending: sum('pagepass_audit_pending_records'),
    identities: sum('pagepass_identities_cached'),
  }
}

const page = (port: number): Promise<string> =>
  new Promise((resolve, reject) => {
    const asked = get({ port, host: '127.0.0.1', path: '/metrics', agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.on('error', reject)
      response.on('end', () => resolve(text))
    })
    asked.on('error', reject)
  })
