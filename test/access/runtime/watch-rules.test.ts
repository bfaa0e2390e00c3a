import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type FileHashes, hashesOf, readRuleFiles } from '#access/runtime/rules.ts'
import { watchRules } from '#access/runtime/watch-rules.ts'
import { aFolder } from '../../builders.ts'

const hash = `0123456789ab${'c'.repeat(52)}`
let folder: string
let remove: () => Promise<void>
let path: string
const stops: (() => Promise<void>)[] = []
beforeEach(async () => {
  ;({ folder, remove } = await aFolder())
  path = join(folder, 'access.yaml')
  await writeFile(path, 'one')
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  await remove()
})

/** As an editor saves it: never half there. */
const save = async (file: string, text: string): Promise<void> => {
  await writeFile(`${file}~`, text)
  await rename(`${file}~`, file)
}

const watched = async (named = path, given?: FileHashes) => {
  const alarms: { what: string; facts: Record<string, unknown> }[] = []
  const error = (facts: Record<string, unknown>, what: string): void => void alarms.push({ what, facts })
  const hashes = given ?? hashesOf(await readRuleFiles(named))
  const { facts, stop } = await watchRules({ path: named, hashes, rules: { hash } }, { error }, 1)
  stops.push(stop)
  return {
    facts,
    stop,
    alarms,
    /** All that was told since the last time, once there is something. */
    told: async () => {
      await vi.waitFor(() => expect(alarms).not.toEqual([]), { timeout: 30_000, interval: 2 })
      return alarms.splice(0)
    },
  }
}
const changed =
  'the rule set changed on disk; this process keeps 0123456789ab; replace the process to use what is there now'

test('A change is told once, and what the process keeps stays what it was', async () => {
  const watch = await watched()
  expect(watch.facts()).toEqual({ rules: { hash, changed_on_disk: false } })
  await save(path, 'two')
  expect(await watch.told()).toEqual([{ what: changed, facts: { rules: hash, path, changed: [path] } }])
  expect(watch.facts()).toEqual({ rules: { hash, changed_on_disk: true } })
  // Had the first been told again meanwhile, there would be more than one now.
  await save(path, 'three')
  expect(await watch.told()).toHaveLength(1)
})

test('A change between the reading and the watch is told at once', async () => {
  const read = hashesOf(await readRuleFiles(path))
  await save(path, 'two')
  const watch = await watched(path, read)
  expect(watch.alarms).toEqual([{ what: changed, facts: { rules: hash, path, changed: [path] } }])
  expect(watch.facts()).toEqual({ rules: { hash, changed_on_disk: true } })
})

test('What is put back is told too', async () => {
  const watch = await watched()
  await save(path, 'two')
  await watch.told()
  await save(path, 'one')
  expect(await watch.told()).toMatchObject([
    { what: 'the rule set on disk is again what this process keeps (0123456789ab)' },
  ])
  expect(watch.facts()).toEqual({ rules: { hash, changed_on_disk: false } })
})

test('A file that is gone is a change', async () => {
  const watch = await watched()
  await rm(path)
  expect(await watch.told()).toMatchObject([{ what: changed, facts: { changed: [path] } }])
  expect(watch.facts()).toMatchObject({ rules: { changed_on_disk: true } })
})

test('In a folder, so is a file that is new, and a file of another environment is none', async () => {
  for (const name of ['env', 'services']) await mkdir(join(folder, name))
  const production = join(folder, 'env', 'production.yaml')
  await writeFile(production, 'p')
  const watch = await watched(production)
  await writeFile(join(folder, 'env', 'staging.yaml'), 's')
  const team = join(folder, 'services', 'payments.yaml')
  await save(team, 't')
  expect(await watch.told()).toMatchObject([{ what: changed, facts: { changed: [team] } }])
})

test('Once stopped, nothing is told any more', async () => {
  const watch = await watched()
  await watch.stop()
  await save(path, 'two')
  const other = await watched()
  await save(path, 'three')
  await other.told()
  expect(watch.alarms).toEqual([])
})
