import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadRules, loadRulesFor } from '#access/runtime/rules.ts'
import { aFolder, rulesText } from '../../builders.ts'

let file: string
let remove: () => Promise<unknown>
beforeAll(async () => {
  const folder = await aFolder()
  remove = folder.remove
  file = join(folder.folder, 'access.yaml')
})
afterAll(() => remove())

const withIssuer = (issuer: string): Promise<void> =>
  writeFile(file, rulesText.replace(/issuer: [^\s,}]+/, `issuer: ${issuer}`))

test('in production, an identity provider over plain HTTP is refused by name', async () => {
  await withIssuer('http://idp.example.com')
  await expect(loadRulesFor({ PAGEPASS_MODE: 'production', PAGEPASS_RULES: file })).rejects.toMatchObject({
    code: 'rules/invalid',
    message: expect.stringContaining('http://idp.example.com'),
  })
  // One that is https gets as far as the seal.
  await withIssuer('https://idp.example.com')
  await expect(loadRulesFor({ PAGEPASS_MODE: 'production', PAGEPASS_RULES: file })).rejects.toMatchObject({
    code: 'config/invalid',
    message: 'PAGEPASS_RULES_KEYS: is missing',
  })
})

test('the sandbox takes one', async () => {
  await withIssuer('http://127.0.0.1:7074')
  const { rules } = await loadRulesFor({ PAGEPASS_MODE: 'sandbox', PAGEPASS_RULES: file })
  expect(rules.identity.issuer).toBe('http://127.0.0.1:7074')
})

test('what was read is named by its hashes', async () => {
  await writeFile(file, rulesText)
  const { hashes, files } = await loadRules(file)
  expect(files).toEqual([file])
  expect([...hashes]).toEqual([[file, createHash('sha256').update(rulesText).digest('hex')]])
})

test('a rule set that is not there is a fault with the mend', async () => {
  await expect(loadRules(`${file}.none`)).rejects.toMatchObject({ code: 'rules/unreadable' })
})
