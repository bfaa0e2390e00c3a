import { describe, expect, test } from 'vitest'
import { reportShape } from '#access/domain/report.ts'
import { noon } from '../../builders.ts'

const from = { proxy: 'proxy-a', boot: 'b1' }
const usage = { patterns: { 'GET /**': { 200: 1 } }, writes: 0, refused: {} }
const kinds = {
  alive: { ...from, kind: 'alive', rules: 'r'.repeat(128), draining: false },
  gone: { ...from, kind: 'gone' },
  confirmed: { ...from, kind: 'confirmed', sequence: -3, grant: 'g', cut: 0 },
  usage: { ...from, kind: 'usage', grant: 'g', number: 1, usage },
  'break-glass': {
    ...from,
    kind: 'break-glass',
    grant: 'g'.repeat(64),
    at: noon,
    statement: 's'.repeat(6_144),
  },
  reasserted: { ...from, kind: 'reasserted', statement: 's'.repeat(8_192) },
  'lock-lost': { ...from, kind: 'lock-lost', statement: 's'.repeat(8_192) },
} as const

describe('What a proxy reports', () => {
  test.each([
    ...Object.values(kinds),
    { ...from, kind: 'alive' },
    { ...from, kind: 'confirmed', sequence: 9, cut: 12 },
    { ...kinds.usage, number: 8 },
  ])('is read: $kind', (report) => {
    expect(reportShape.parse(report)).toEqual(report)
  })

  test.each(Object.values(kinds))('is only what is asked for: $kind', (report) => {
    expect(reportShape.safeParse({ ...report, more: true }).success).toBe(false)
    expect(reportShape.safeParse({ ...report, boot: undefined }).success).toBe(false)
  })

  test.each<[string, object]>([
    ['of another kind', { ...kinds.gone, kind: 'issue' }],
    ['with rules too long', { ...kinds.alive, rules: 'r'.repeat(129) }],
    ['with streams cut below none', { ...kinds.confirmed, cut: -1 }],
    ['of usage before the first', { ...kinds.usage, number: 0 }],
    ['of usage that is none', { ...kinds.usage, usage: {} }],
    ['of a pass with a name too long', { ...kinds['break-glass'], grant: 'g'.repeat(65) }],
    ['of a pass too long', { ...kinds['break-glass'], statement: 's'.repeat(6_145) }],
    ['of an end too long', { ...kinds.reasserted, statement: 's'.repeat(8_193) }],
    ['of a lock too long', { ...kinds['lock-lost'], statement: 's'.repeat(8_193) }],
  ])('is none %s', (_, report) => {
    expect(reportShape.safeParse(report).success).toBe(false)
  })
})
