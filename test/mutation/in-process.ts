import { readFileSync } from 'node:fs'
import { registerHooks, stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import {
  type DryRunOptions,
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  type TestResult,
  type TestRunner,
  TestStatus,
  toMutantRunResult,
} from '@stryker-mutator/api/test-runner'
import fc from 'fast-check'
import { type Collected, collect } from './collect.ts'
import { mirrorsOf, nameOf } from './mirrors.ts'

/** What Stryker's instrumented files read and write (`INSTRUMENTER_CONSTANTS` of its API). */
type Instrumented = {
  activeMutant?: string | undefined
  currentTestId?: string | undefined
  hitCount?: number | undefined
  hitLimit?: number | undefined
  mutantCoverage?: {
    static: Record<string, number>
    perTest: Record<string, Record<string, number>>
  }
}

const instrumentedOf = (scope: object & { __stryker__?: Instrumented }): Instrumented => {
  scope.__stryker__ ??= {}
  return scope.__stryker__
}

type Suite = readonly (Collected & { readonly id: string })[]

const collector = new URL('./collect.ts', import.meta.url).href

/** What runs while a file is imported is mutated by importing it anew, in another life, and all that imports it. */
let life = 0
let isReborn: (file: string) => boolean = () => false
const importers = new Map<string, Set<string>>()

const importersOf = (file: string, known = new Set<string>()): ReadonlySet<string> => {
  known.add(file)
  for (const one of importers.get(file) ?? []) if (!known.has(one)) importersOf(one, known)
  return known
}

const plainOf = (url: string): string => url.split('?')[0] ?? url

const inLife = (url: string): string => `${url}?life=${isReborn(url) ? life : 0}`
/** Stryker changes to its copy of the tree after it has imported this. */
const isOurs = (url: string): boolean =>
  url.startsWith(pathToFileURL(`${process.cwd()}/`).href) && !url.includes('/node_modules/')

const sources = new Map<string, string>()
const sourceOf = (file: string): string => {
  const source = sources.get(file) ?? stripTypeScriptTypes(readFileSync(file, 'utf8'))
  sources.set(file, source)
  return source
}

const hookImports = (): void =>
  void registerHooks({
    resolve: (specifier, context, next) => {
      const isFromOurs = context.parentURL !== undefined && isOurs(context.parentURL)
      if (specifier === 'vitest' && isFromOurs) return { url: collector, shortCircuit: true }
      const found = next(specifier, context)
      const url = plainOf(found.url)
      if (!isOurs(url) || !url.endsWith('.ts')) return found
      if (isFromOurs)
        importers.set(url, (importers.get(url) ?? new Set()).add(plainOf(context.parentURL ?? '')))
      return { ...found, url: inLife(url) }
    },
    load: (url, context, next) => {
      const [plain = url, isOfLife] = url.split('?life=')
      if (isOfLife === undefined) return next(url, context)
      return { format: 'module', source: sourceOf(fileURLToPath(plain)), shortCircuit: true }
    },
  })

const suiteOf = async (file: string): Promise<Suite> => {
  const tests = await collect(() => import(inLife(pathToFileURL(join(process.cwd(), file)).href)))
  return tests.map((one, index) => ({ ...one, id: `${file} ${index} ${one.name}` }))
}

const resultOf = async ({ id, name, run }: Suite[number]): Promise<TestResult> => {
  const began = performance.now()
  try {
    await run()
    return { id, name, timeSpentMs: performance.now() - began, status: TestStatus.Success }
  } catch (error) {
    const failureMessage = error instanceof Error ? error.message : String(error)
    return { id, name, timeSpentMs: performance.now() - began, status: TestStatus.Failed, failureMessage }
  }
}

/**
 * Runs tests in this process, where Vitest needs half a second of each for every mutant. Only tests that mirror the
 * mutated file are run on it, the quickest first.
 */
class InProcess implements TestRunner {
  readonly #instrumented = instrumentedOf(globalThis as object)
  readonly #suites = new Map<string, Suite>()
  readonly #took = new Map<string, number>()

  capabilities() {
    return { reloadEnvironment: true }
  }

  async init(): Promise<void> {
    hookImports()
    // The same score every time.
    fc.configureGlobal({ seed: 1 })
  }

  async #suite(file: string): Promise<Suite> {
    const known = this.#suites.get(file) ?? (await suiteOf(file))
    this.#suites.set(file, known)
    return known
  }

  async dryRun({ files = [] }: DryRunOptions): Promise<DryRunResult> {
    const tests: TestResult[] = []
    for (const file of new Set(files.flatMap((mutated) => mirrorsOf(nameOf(mutated)))))
      for (const one of await this.#suite(file)) {
        this.#instrumented.currentTestId = one.id
        const result = await resultOf(one)
        this.#instrumented.currentTestId = undefined
        this.#took.set(one.id, result.timeSpentMs)
        tests.push(result)
      }
    const { mutantCoverage } = this.#instrumented
    return {
      status: DryRunStatus.Complete,
      tests,
      ...(mutantCoverage === undefined ? {} : { mutantCoverage }),
    }
  }

  async mutantRun({
    activeMutant,
    sandboxFileName,
    testFilter,
    reloadEnvironment,
    hitLimit,
  }: MutantRunOptions): Promise<MutantRunResult> {
    const instrumented = this.#instrumented
    const mirrors = mirrorsOf(nameOf(sandboxFileName))
    instrumented.activeMutant = undefined
    const suites: Suite[] = []
    if (!reloadEnvironment) for (const file of mirrors) suites.push(await this.#suite(file))
    Object.assign(instrumented, { activeMutant: activeMutant.id, hitLimit, hitCount: hitLimit && 0 })
    const tests: TestResult[] = []
    try {
      if (reloadEnvironment) {
        life += 1
        const reborn = importersOf(pathToFileURL(sandboxFileName).href)
        isReborn = (file) => reborn.has(file)
        for (const file of mirrors) suites.push(await suiteOf(file))
      }
      const chosen = suites.flat().filter(({ id }) => testFilter === undefined || testFilter.includes(id))
      const took = ({ id }: { readonly id: string }): number => this.#took.get(id) ?? 0
      for (const one of chosen.sort((a, b) => took(a) - took(b))) {
        const result = await resultOf(one)
        tests.push(result)
        if (result.status === TestStatus.Failed) break
      }
    } catch (error) {
      // A file that can't even be imported is noticed by all of its tests.
      const failureMessage = error instanceof Error ? error.message : String(error)
      const failed = {
        id: activeMutant.id,
        name: 'import',
        timeSpentMs: 0,
        status: TestStatus.Failed as const,
      }
      tests.push({ ...failed, failureMessage })
    } finally {
      instrumented.activeMutant = undefined
      isReborn = () => false
    }
    const endless = determineHitLimitReached(instrumented.hitCount, hitLimit)
    Object.assign(instrumented, { hitLimit: undefined, hitCount: undefined })
    return toMutantRunResult(endless ?? { status: DryRunStatus.Complete, tests })
  }
}

/** Stryker looks for this name. */
export const strykerPlugins = [{ kind: 'TestRunner', name: 'in-process', injectableClass: InProcess }]
