import { describe, expect, test } from 'vitest'
import { type DirectoryFile, directoryShape, indexDirectory } from '#access/domain/directory-file.ts'
import { isFault } from '#access/domain/errors.ts'
import { type Person, principalKey } from '#access/domain/principal.ts'
import { aPerson, noon } from '../../builders.ts'

const directory = (...people: Person[]): DirectoryFile =>
  directoryShape.parse({ environment: 'sandbox', asOf: noon, people })

const ana = aPerson()
const ben = aPerson({
  subject: 'idp-ben',
  name: 'Ben Okafor',
  slack: { team: 'T0SANDBOX', user: 'U0BEN00001' },
  pagerduty: { account: 'sandbox', user: 'PUBEN01' },
})

const faultOf = (file: DirectoryFile) => {
  try {
    indexDirectory(file)
  } catch (error) {
    if (isFault(error)) return error
  }
  return undefined
}

describe('A directory', () => {
  test('finds a person by each of their ids', () => {
    const found = indexDirectory(directory(ana, ben))
    expect(found.bySlack('T0SANDBOX', 'U0BEN00001')?.name).toBe('Ben Okafor')
    expect(found.byPagerDuty('PUANA01')?.name).toBe('Ana Lopes')
    expect(found.byPrincipal(principalKey(ben))?.name).toBe('Ben Okafor')
  })

  test('knows nobody by the Slack user of another team', () => {
    expect(indexDirectory(directory(ana)).bySlack('T0OTHER', 'U0ANA00001')).toBeUndefined()
  })

  test('takes people without Slack or PagerDuty', () => {
    const { slack: _, pagerduty: __, ...plain } = ana
    const { slack: ___, pagerduty: ____, ...other } = ben
    expect(indexDirectory(directory(plain, other)).byPrincipal(principalKey(plain))).toEqual(plain)
  })

  test.each<[string, Partial<Person>, string]>([
    ['a Slack account', { slack: { team: 'T0SANDBOX', user: 'U0ANA00001' } }, 'Slack account'],
    ['a PagerDuty user', { pagerduty: { account: 'sandbox', user: 'PUANA01' } }, 'PagerDuty user'],
    ['a principal', { subject: 'idp-ana' }, 'principal'],
  ])('is refused when two people share %s', (_, changes, kind) => {
    const fault = faultOf(directory(ana, { ...ben, ...changes }))
    expect(fault?.code).toBe('directory/invalid')
    expect(fault?.message).toContain(`Ana Lopes and Ben Okafor share the ${kind}`)
  })

  test('may hold the same subject of two issuers', () => {
    const other = aPerson({ ...ben, subject: ana.subject, issuer: 'https://idp.example.com' })
    expect(faultOf(directory(ana, other))).toBeUndefined()
  })

  test.each<[string, object]>([
    ['an unknown field', { email: 'ana@example.com' }],
    ['no subject', { subject: '' }],
    ['a Slack user without a team', { slack: { user: 'U0ANA00001' } }],
    ['no word on whether they are active', { active: undefined }],
  ])('does not take a person with %s', (_, changes) => {
    const people = [{ ...ana, ...changes }]
    expect(directoryShape.safeParse({ environment: 'sandbox', asOf: noon, people }).success).toBe(false)
  })
})
