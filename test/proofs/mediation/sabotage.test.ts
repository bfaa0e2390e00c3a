import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { ruleNames, type Sabotage } from './oracle.ts'
import { createProvider } from './provider.ts'
import { runHistory } from './run.ts'

const seed = 1
const mostHistories = 400

test('no rule of the oracle can be forgotten or turned round unnoticed', async () => {
  const provider = createProvider()
  const real = globalThis.fetch
  globalThis.fetch = provider.fetch
  try {
    let suspects: readonly Sabotage[] = ruleNames.flatMap((rule) =>
      (['forgotten', 'turned round'] as const).map((how) => ({ rule, how })),
    )
    const violations: string[] = []
    for (let number = 0; number < mostHistories && suspects.length > 0; number += 1) {
      const told = await runHistory(seed, number, provider, undefined, suspects)
      violations.push(...told.violations)
      suspects = suspects.filter((one) => !told.caught.includes(one))
    }
    expect(violations).toEqual([])
    expect(suspects).toEqual([])
  } finally {
    globalThis.fetch = real
  }
})

test('the oracle shares no code with the product', () => {
  for (const file of ['oracle.ts', 'history.ts']) {
    const text = readFileSync(new URL(file, import.meta.url), 'utf8')
    const imports = [...text.matchAll(/^import .* from '(.*)'$/gm)].map(([, from]) => from)
    expect(imports.every((from) => from === './history.ts' || from === './world.ts')).toBe(true)
  }
})
