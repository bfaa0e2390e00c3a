import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type AuditLog, openAuditLog } from '#access/adapters/audit-log.ts'
import type { Fault } from '#access/domain/errors.ts'
import { aFolder } from '../../builders.ts'

/** What the disk still owes: each is a `fdatasync` that has not come back. */
const owed: (() => void)[] = []
const { fdatasync } = fs

let folder: string
let remove: () => Promise<void>
let log: AuditLog
beforeAll(async () => {
  Object.assign(fs, {
    fdatasync: (...[descriptor, done]: Parameters<typeof fdatasync>): void =>
      void owed.push(() => fdatasync(descriptor, done)),
  })
  syncBuiltinESMExports()
  ;({ folder, remove } = await aFolder())
  log = await openAuditLog(folder, 'proxy-a')
})
afterAll(async () => {
  Object.assign(fs, { fdatasync })
  syncBuiltinESMExports()
  await remove()
})

const synced = (line: string): Promise<Fault | undefined> =>
  new Promise((resolve) => log.append(`${line}\n`, true, resolve))

test('Whoever waits for a disk that does not come back from a sync is told so, the first as well as the next', async () => {
  const faults = [synced('first')]
  await vi.waitFor(() => expect(owed).toHaveLength(1), 30_000)
  faults.push(synced('second'))
  for (const fault of await Promise.all(faults)) expect(fault?.message).toContain('not written within 500 ms')
  expect(log.pending().waiting).toBe(0)
  const closed = log.close()
  await vi.waitFor(() => {
    for (const back of owed.splice(0)) back()
    expect(owed).toEqual([])
  })
  await closed
})
