import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCasesBeside, readCasesNamed } from '#access/runtime/rule-cases.ts'
import { environmentsOf, readRuleFiles } from '#access/runtime/rules.ts'
import { aFolder } from '../../builders.ts'

let folder: string
let remove: () => Promise<unknown>
beforeAll(async () => {
  ;({ folder, remove } = await aFolder())
  for (const name of [
    'one.yaml',
    'one.test.yaml',
    'two.yml',
    'two.test.yml',
    'bare.yaml',
    'rules/access.yaml',
    'rules/access.test.yaml',
    'rules/services/payments.yaml',
    'rules/services/payments.test.yaml',
    'rules/services/sre.test.yml',
    'rules/services/.hidden.test.yaml',
    'rules/env/production.yaml',
    'rules/env/production.test.yaml',
  ]) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), `name: ${name}`)
  }
})
afterAll(() => remove())

const short = (names: readonly { readonly name: string }[]): string[] =>
  names.map(({ name }) => name.slice(folder.length + 1))
const beside = async (path: string): Promise<string[]> =>
  short((await readCasesBeside(await readRuleFiles(join(folder, path)))).files)

test('cases are found beside their rule set', async () => {
  expect(await beside('one.yaml')).toEqual(['one.test.yaml'])
  expect(await beside('two.yml')).toEqual(['two.test.yml'])
  expect(await beside('bare.yaml')).toEqual([])
})

test('of a folder they are those of access.yaml and of services, however it is named', async () => {
  const all = ['rules/access.test.yaml', 'rules/services/payments.test.yaml', 'rules/services/sre.test.yml']
  expect(await beside('rules')).toEqual(all)
  expect(await beside('rules/env/production.yaml')).toEqual(all)
})

test('cases are no part of a rule set: no team’s file, and no environment', async () => {
  expect(await environmentsOf(join(folder, 'rules'))).toEqual([join(folder, 'rules/env/production.yaml')])
  expect(short(await readRuleFiles(join(folder, 'rules')))).toEqual([
    'rules/access.yaml',
    'rules/services/payments.yaml',
    'rules/env/production.yaml',
  ])
})

test('where there are none, it is known where they would be; those that are named have to be there', async () => {
  const { names } = await readCasesBeside(await readRuleFiles(join(folder, 'bare.yaml')))
  expect(names).toEqual([join(folder, 'bare.test.yaml')])
  await expect(readCasesNamed([join(folder, 'bare.test.yaml')])).rejects.toMatchObject({
    code: 'rules/unreadable',
    message: expect.stringContaining('bare.test.yaml'),
  })
})
