import { describe, expect, test } from 'vitest'
import { createGlassBook, isFromOffline } from '#access/domain/break-glass/book.ts'
import { bytesOfGlass, glassId, glassText } from '#access/domain/break-glass/pass.ts'
import { aGlass, glassBy, glassKey, signedWith } from '../../../builders/break-glass.ts'
import { aGrant, minute, noon, rulesOf, rulesText } from '../../../builders.ts'

const [alice, vault, stranger] = [glassKey(), glassKey(), glassKey()]
const rules = rulesOf(
  `${rulesText}\nbreak_glass: { who: [sre], tier: admin, for: 20m, need: 2, keys: { alice: ${alice.x}, vault: ${vault.x} } }\n`,
)

describe('A pass that was presented', () => {
  test('says whom it is for before anybody looks at its signatures, and is remembered only once they hold', () => {
    const book = createGlassBook(rules)
    const body = aGlass()
    const text = glassBy(body, alice, vault)
    const pass = book.read(text)
    expect(pass).toMatchObject({ body, principal: 'http://127.0.0.1:7074 idp-ana' })
    expect(book.size()).toBe(0)
    const held = pass?.prove()
    expect(book.size()).toBe(1)
    expect(book.read(text)?.prove()).toBe(held)
    expect(book.read(text)).toMatchObject({ body, principal: 'http://127.0.0.1:7074 idp-ana' })
  })

  test('gives what it says, in the shape of a grant, and nothing that is stored', () => {
    const body = aGlass()
    const text = glassBy(body, alice, vault)
    const held = createGlassBook(rules).read(text)?.prove()
    expect(held).toEqual({
      grant: {
        id: glassId({ bytes: bytesOfGlass(body) }),
        version: 1,
        environment: 'sandbox',
        state: 'active',
        step: 'given',
        who: { ...body.who, name: 'idp-ana' },
        services: ['orders-svc'],
        tier: 'operate',
        from: noon,
        until: noon + 10 * minute,
        duration: 10 * minute,
        why: {
          kind: 'break-glass',
          rule: 'break_glass',
          reason: 'Redis and Slack are down',
          keys: ['alice', 'vault'],
        },
        nonce: body.nonce,
        rules: rules.hash,
        at: noon,
      },
      statement: text,
      verified: true,
    })
  })

  test.each([
    ['by one', [alice]],
    ['by one and a stranger', [alice, stranger]],
    ['by strangers', [stranger, glassKey()]],
  ])('gives nothing where it is signed %s, and is not remembered', (_, keys) => {
    const book = createGlassBook(rules)
    expect(book.read(glassBy(aGlass(), ...keys))?.prove()).toBeUndefined()
    expect(book.size()).toBe(0)
  })

  test('gives nothing where a signature does not hold, however many do', () => {
    const bytes = bytesOfGlass(aGlass())
    const need1 = rulesOf(
      `${rulesText}\nbreak_glass: { who: [sre], tier: admin, for: 20m, need: 1, keys: { alice: ${alice.x}, vault: ${vault.x} } }\n`,
    )
    const signatures = [signedWith(bytes, alice), { ...signedWith(bytes, stranger), key: vault.bytes }]
    expect(createGlassBook(need1).read(glassText({ bytes, signatures }))?.prove()).toBeUndefined()
  })

  test('gives nothing where the rules know of none, and is none that can’t be read', () => {
    expect(
      createGlassBook(rulesOf())
        .read(glassBy(aGlass(), alice, vault))
        ?.prove(),
    ).toBeUndefined()
    expect(createGlassBook(rules).read('pbg1.x')).toBeUndefined()
  })

  test('makes way for newer ones, the oldest first', () => {
    const book = createGlassBook(rules)
    const texts = Array.from({ length: 257 }, () => glassBy(aGlass(), alice, vault))
    for (const text of texts.slice(0, 256)) book.read(text)?.prove()
    const [oldest = '', next = ''] = texts
    const [kept, keptNext] = [book.read(oldest), book.read(next)]
    expect(book.size()).toBe(256)
    book.read(texts.at(-1) ?? '')?.prove()
    expect(book.size()).toBe(256)
    expect([book.read(oldest) === kept, book.read(next) === keptNext]).toEqual([false, true])
  })

  test('is told from every grant', () => {
    const held = (why: ReturnType<typeof aGrant>['why']) => ({
      grant: aGrant({ why }),
      statement: '',
      verified: true,
    })
    const glass = { kind: 'break-glass', rule: 'break_glass', reason: 'burns' } as const
    expect(isFromOffline(held({ ...glass, keys: ['alice'] }))).toBe(true)
    expect(isFromOffline(held(glass))).toBe(false)
    expect(isFromOffline(held(aGrant().why))).toBe(false)
  })
})
