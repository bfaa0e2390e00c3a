import { execFileSync } from 'node:child_process'
import { createReadStream } from 'node:fs'
import { appendFile, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AuditLog, openAuditLog } from '#access/adapters/audit-log.ts'
import type { Fault } from '#access/domain/errors.ts'
import { aFolder } from '../../builders.ts'

let folder: string
let remove: () => Promise<void>
beforeEach(async () => {
  ;({ folder, remove } = await aFolder())
})
afterEach(() => remove())

const append = (log: AuditLog, line: string, synced = false): Promise<Fault | undefined> =>
  new Promise((resolve) => log.append(`${line}\n`, synced, resolve))
const linesIn = async (file: string): Promise<string[]> =>
  (await readFile(file, 'utf8')).split('\n').slice(0, -1)

/** What is not written within half a second counts as not written, also where the whole machine stood still. */
const inTime = { retry: 3 }

describe('The audit log', () => {
  test('keeps every line, in the order of appending', async () => {
    const log = await openAuditLog(folder, 'proxy-a')
    const lines = Array.from({ length: 5_000 }, (_, index) => `{"line":${index}}`)
    await Promise.all(lines.map((line, index) => append(log, line, index % 3 === 0)))
    await log.close()
    expect(await linesIn(log.file)).toEqual(lines)
  })

  test.each([
    ['written', false],
    ['synced', true],
  ])('says that a line is %s only once it is in the file', inTime, async (_, synced) => {
    const log = await openAuditLog(folder, 'proxy-a')
    for (let turn = 0; turn < 50; turn += 1) {
      expect(await append(log, `line ${turn}`, synced)).toBeUndefined()
      expect((await linesIn(log.file)).at(-1)).toBe(`line ${turn}`)
    }
    await log.close()
  })

  test('never says so before append has returned', async () => {
    const log = await openAuditLog(folder, 'proxy-a')
    let told = false
    log.append('x\n', false, () => {
      told = true
    })
    expect(told).toBe(false)
    await log.close()
    expect(told).toBe(true)
  })

  test('writes what was appended before it was closed, waited for or not', async () => {
    const log = await openAuditLog(folder, 'proxy-a')
    log.append('not waited for\n')
    await log.close()
    expect(await linesIn(log.file)).toEqual(['not waited for'])
  })

  test('tells what is still to be written, and who waits for it', async () => {
    const log = await openAuditLog(folder, 'proxy-a')
    expect(log.pending()).toEqual({ bytes: 0, waiting: 0 })
    log.append('not waited for\n')
    const seen: unknown[] = []
    const written = Promise.all(
      [false, true, true].map((synced) =>
        append(log, 'waited for', synced).then(() => seen.push(log.pending())),
      ),
    )
    expect(log.pending()).toEqual({ bytes: 48, waiting: 3 })
    await written
    expect(seen[0]).toEqual({ bytes: 0, waiting: 2 })
    expect(log.pending()).toEqual({ bytes: 0, waiting: 0 })
    await log.close()
  })

  test('goes on where the last process stopped', async () => {
    for (const line of ['first', 'second']) {
      const log = await openAuditLog(folder, 'proxy-a')
      expect(log.torn).toBe(false)
      await append(log, line)
      await log.close()
    }
    expect(await linesIn(join(folder, 'proxy-a.jsonl'))).toEqual(['first', 'second'])
  })

  test('sets a line apart that the last process did not finish', async () => {
    await writeFile(join(folder, 'proxy-a.jsonl'), 'whole\n{"v":1,"kind":"adm')
    const log = await openAuditLog(folder, 'proxy-a')
    expect(log.torn).toBe(true)
    await append(log, 'next')
    await log.close()
    expect(await linesIn(log.file)).toEqual(['whole', '{"v":1,"kind":"adm', 'next'])
  })

  test('never overwrites what somebody else appended', async () => {
    const log = await openAuditLog(folder, 'proxy-a')
    await append(log, 'ours')
    await appendFile(log.file, 'theirs\n')
    await append(log, 'ours again')
    await log.close()
    expect(await linesIn(log.file)).toEqual(['ours', 'theirs', 'ours again'])
  })

  test('fails whoever waits when the disk is full, and goes on trying', inTime, async () => {
    await symlink('/dev/full', join(folder, 'proxy-a.jsonl'))
    const log = await openAuditLog(folder, 'proxy-a')
    for (const synced of [false, true, false]) {
      const fault = await append(log, 'lost', synced)
      expect(fault?.code).toBe('audit/failed')
      expect(fault?.message).toContain('ENOSPC')
    }
    // Such a device can't be synced, which is the fault that closing ends with.
    await log.close().catch(() => undefined)
  })

  test('fails whoever waits for a disk that stalls, though nobody says that it does', async () => {
    const file = join(folder, 'proxy-a.jsonl')
    execFileSync('mkfifo', [file])
    const log = await openAuditLog(folder, 'proxy-a')
    // More than a pipe holds that nobody reads.
    const fault = await append(log, 'x'.repeat(1_000_000))
    expect(fault?.message).toContain('not written within 500 ms')
    const reader = createReadStream(file)
    reader.resume()
    // A pipe can't be synced, which is the fault that closing ends with.
    await log.close().catch(() => undefined)
    reader.destroy()
  })

  test('counts no time in which the process itself stood still', async () => {
    const log = await openAuditLog(folder, 'proxy-a')
    for (const standStill of [() => undefined, () => append(log, 'another')]) {
      const appended = append(log, 'a line')
      void standStill()
      const until = performance.now() + 1_500
      while (performance.now() < until);
      expect(await appended).toBeUndefined()
    }
    await log.close()
  })

  test('takes no more than it can hold while the disk stalls', async () => {
    const log = await openAuditLog(folder, 'proxy-a')
    const line = 'x'.repeat(1024 * 1024)
    const faults = await Promise.all(Array.from({ length: 12 }, () => append(log, line)))
    const refused = faults.filter((fault) => fault?.message.includes('keep up')).length
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThan(12)
    await log.close()
    expect(await linesIn(log.file)).toHaveLength(12 - refused)
  })
})
