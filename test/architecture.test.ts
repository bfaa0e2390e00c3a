import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { faultCodes } from '#access/domain/errors.ts'
import { reasons } from '#access/domain/reasons.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const folders = ['access', 'bot', 'proxy', 'workers', 'cli', 'infra'] as const

const filesIn = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))

/** Every source file by its path from the root, without its comments. */
const sources = new Map(
  [...folders.flatMap(filesIn), 'vitest.config.ts'].map((file) => [
    file,
    readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''),
  ]),
)

const importing = /(?:^|\n)\s*(?:import|export)\b[^'"`;]*?\bfrom\s*'([^']+)'|\bimport\s*\(?\s*'([^']+)'/g

/** What a file imports: files of ours by their path from the root, everything else as it is written. */
const importsOf = (file: string): string[] =>
  [...(sources.get(file) ?? '').matchAll(importing)].map(([, from, bare]) => {
    const name = from ?? bare ?? ''
    if (name.startsWith('#')) return name.slice(1)
    return name.startsWith('.') ? normalize(join(dirname(file), name)) : name
  })
const isOurs = (imported: string): boolean => sources.has(imported)

/** The layer of a file: its top folder, and below access/ the folder or file there. */
const layerOf = (file: string): string => {
  const [top = '', next = ''] = file.split('/')
  return top === 'access' ? `access/${next.replace(/\.ts$/, '')}` : top
}

const access = ['domain', 'rules', 'messages', 'ports', 'operations', 'adapters', 'runtime'].map(
  (layer) => `access/${layer}`,
)
const upTo = (layer: string): string[] => access.slice(0, access.indexOf(layer) + 1)

/** What each layer may import. */
const arrows: Readonly<Record<string, readonly string[]>> = {
  'access/domain': ['access/domain'],
  'access/rules': ['access/domain', 'access/rules'],
  'access/messages': ['access/domain', 'access/rules', 'access/messages'],
  'access/ports': ['access/domain'],
  'access/operations': upTo('access/operations'),
  'access/adapters': upTo('access/adapters'),
  'access/runtime': upTo('access/runtime'),
  bot: [...access, 'bot'],
  proxy: [...access, 'proxy'],
  workers: [...access, 'workers'],
  cli: [...access, 'cli'],
  infra: [...access, 'infra'],
  'vitest.config.ts': [],
}

/** The files in which some text stands. */
const having = (text: RegExp): string[] =>
  [...sources].filter(([, source]) => text.test(source)).map(([file]) => file)

describe('Imports', () => {
  test('are found by this test', () => {
    expect(importsOf('access/operations/list-grants.ts')).toEqual([
      'access/domain/grant.ts',
      'access/domain/principal.ts',
      'access/ports.ts',
      'access/operations/find-held.ts',
    ])
    expect(importsOf('access/domain/path-pattern.ts')).toEqual([])
    expect(importsOf('bot/main.ts')).toContain('bot/app.ts')
  })

  test.each(Object.entries(arrows))('of %s point only to %j', (layer, allowed) => {
    const files = [...sources.keys()].filter((file) => layerOf(file) === layer)
    expect(files.length).toBeGreaterThan(0)
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .filter((imported) => isOurs(imported) && !allowed.includes(layerOf(imported)))
        .map((imported) => `${file} → ${imported}`),
    )
    expect(wrong).toEqual([])
  })

  test('name files that exist, and every file belongs to a layer', () => {
    for (const file of sources.keys()) {
      expect(Object.keys(arrows)).toContain(layerOf(file))
      const lost = importsOf(file).filter((imported) => imported.endsWith('.ts') && !isOurs(imported))
      expect(lost).toEqual([])
    }
  })

  test.each([
    ['access/domain', ['node:crypto', 'zod']],
    ['access/rules', ['node:crypto', 'yaml', 'zod']],
    ['access/messages', []],
    ['access/ports', []],
    ['access/operations', []],
  ])('of %s from outside are only %j', (layer, allowed) => {
    const outside = [...sources.keys()]
      .filter((file) => layerOf(file) === layer)
      .flatMap((file) =>
        importsOf(file)
          .filter((imported) => !isOurs(imported) && !(allowed as readonly string[]).includes(imported))
          .map((imported) => `${file} → ${imported}`),
      )
    expect(outside).toEqual([])
  })

  test('go round in no circle', () => {
    const circles: string[] = []
    const done = new Set<string>()
    const visit = (file: string, way: readonly string[]): void => {
      if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' → '))
      if (done.has(file) || way.includes(file)) return
      for (const imported of importsOf(file).filter(isOurs)) visit(imported, [...way, file])
      done.add(file)
    }
    for (const file of sources.keys()) visit(file, [])
    expect(circles).toEqual([])
  })

  test('of the sandbox come from nowhere but the sandbox, so that an image without it works', () => {
    const leaning = [...sources.keys()].filter(
      (file) =>
        !file.startsWith('infra/') && importsOf(file).some((imported) => imported.startsWith('infra/')),
    )
    expect(leaning).toEqual([])
  })
})

describe('A file', () => {
  test('has named exports only', () => {
    expect(having(/\bexport\s+default\b|\bas\s+default\b/)).toEqual(['vitest.config.ts'])
  })

  test('does nothing when it is imported, unless it is a main', () => {
    const mains = having(/^await /m)
    expect(mains.filter((file) => !/(?:^|[/-])main\.ts$/.test(file))).toEqual([])
  })

  test('reads environment variables only where a process begins', () => {
    const readers = having(/\bprocess\.env\b/)
    expect(readers.length).toBeGreaterThan(3)
    expect(readers.filter((file) => !/(?:^|[/-])main\.ts$/.test(file))).toEqual(['infra/sandbox/stack.ts'])
  })

  /** Deadlines of their own I/O, never what a decision or a record says. */
  const readsClock = [
    'access/adapters/audit-log.ts',
    'access/adapters/redis/consume-stream.ts',
    'access/adapters/redis/duty.ts',
    'access/adapters/redis/follow-view.ts',
    'access/adapters/redis/receipts.ts',
    'access/runtime/clock.ts',
    'cli/sign-directory.ts',
    'workers/outbox/put-off.ts',
  ]

  test('knows the time only by its argument, but for the clock and these', () => {
    const readers = having(/\bDate\.now\b|\bperformance\.now\b|\bnew Date\(\)/)
    expect(readers.filter((file) => !file.startsWith('infra/')).sort()).toEqual(readsClock)
  })

  test('leaves randomness to where a process is put together', () => {
    expect(having(/\bMath\.random\b/)).toEqual([])
    const random = having(/\brandom(?:Bytes|UUID|Int|FillSync)?\(|\bgetRandomValues\b/)
    const allowed = /^(?:infra\/|access\/runtime\/|(?:bot|proxy|workers)\/app\.ts$)/
    expect(random.filter((file) => !allowed.test(file))).toEqual([])
    expect(random).toContain('bot/app.ts')
  })
})

describe('access/README.md', () => {
  const readme = readFileSync(join(root, 'access/README.md'), 'utf8')
  const rowsUnder = (heading: string): string[][] => {
    const section = readme.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? ''
    return [...section.matchAll(/^\| `(.+)$/gm)].map(([line]) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
  }

  test('tells every reason with its status, in order, and none that is no more', () => {
    expect(rowsUnder('Reasons').map(([reason, status]) => [reason, Number(status)])).toEqual(
      Object.entries(reasons).map(([reason, { status }]) => [reason, status]),
    )
    for (const [, , when] of rowsUnder('Reasons')) expect(when).not.toBe('')
  })

  test('tells every error code, in order, and none that is no more', () => {
    expect(rowsUnder('Error codes').map(([code]) => code)).toEqual(Object.keys(faultCodes))
    for (const [, meaning] of rowsUnder('Error codes')) expect(meaning).not.toBe('')
  })
})

describe('Nothing is stale:', () => {
  const usedIn = (text: string, files: (file: string) => boolean): boolean =>
    [...sources].some(([file, source]) => files(file) && source.includes(`'${text}'`))

  test.each(Object.keys(reasons))('the reason %s is given somewhere', (reason) => {
    const given = (file: string): boolean =>
      file !== 'access/domain/reasons.ts' && /^(?:access\/(?:domain|operations)|bot|proxy)\//.test(file)
    expect(usedIn(reason, given)).toBe(true)
  })

  test.each(Object.keys(faultCodes))('the error code %s is thrown somewhere', (code) => {
    expect(
      [...sources.values()].some((source) => new RegExp(`(?:new Fault|super)\\(\\s*'${code}'`).test(source)),
    ).toBe(true)
  })
})
