import { chmod, lstat, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { replaceFile } from '#access/runtime/replace-file.ts'
import { aFolder } from '../../builders.ts'

let folder: string
let remove: () => Promise<void>
let file: string
beforeEach(async () => {
  ;({ folder, remove } = await aFolder())
  file = join(folder, 'file')
})
afterEach(() => remove())

test('A file is there whole, and nothing beside it', async () => {
  await replaceFile(file, 'new')
  expect([await readFile(file, 'utf8'), await readdir(folder)]).toEqual(['new', ['file']])
})

test('What a link leads to is left alone', async () => {
  const victim = join(folder, 'victim')
  await writeFile(victim, 'precious')
  await symlink(victim, file)
  await replaceFile(file, 'new')
  expect([await readFile(victim, 'utf8'), await readFile(file, 'utf8')]).toEqual(['precious', 'new'])
  expect((await lstat(file)).isFile()).toBe(true)
})

test('Who could not read the file before can’t read the new one', async () => {
  await writeFile(file, 'old')
  await chmod(file, 0o600)
  await replaceFile(file, 'new')
  expect((await stat(file)).mode & 0o777).toBe(0o600)
})

test('Where it can’t be put, nothing is left behind', async () => {
  await expect(replaceFile(join(folder, 'none', 'file'), 'new')).rejects.toMatchObject({ code: 'ENOENT' })
  await expect(replaceFile(folder, 'new')).rejects.toMatchObject({ code: expect.any(String) })
  expect(await readdir(folder)).toEqual([])
})
