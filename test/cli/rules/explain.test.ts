import { describe, expect, test } from 'vitest'
import { pagepass, pagepassHere, type Ran } from '../run-cli.ts'

const file = 'test/cli/rules/explain.yaml'
const wordsOf = (words: string): string[] =>
  ['rules', 'explain', '--rules', file, '--service', 'orders-svc'].concat(words.split(' '))
const explain = (words: string): Promise<Ran> => pagepassHere(wordsOf(words))
const noon = '--at 2026-01-15T12:00Z'
const retry = '--method POST --path /v1/orders/7/retry'
const ana = '--who ana --groups team-payments'

/** What stands there, without the lines that every answer shares. */
const ran = async (words: string) => {
  const { code, out, err } = await explain(words)
  expect(err).toBe('')
  return { code, out: `\n${out.replace(/(rules {6})[0-9a-f]{12}\n/, '$1(hash)\n')}` }
}

describe.concurrent('As a program of its own', () => {
  test.each([
    ['0 where it is allowed', '--holds operate', 0],
    ['3 where it is refused', '', 3],
  ])('it exits with %s, and says it on standard output', async (_, more, code) => {
    const words = `${ana} ${retry} ${noon} ${more}`.trim()
    const ran = await pagepass(wordsOf(words))
    expect(ran).toEqual(await explain(words))
    expect([ran.code, ran.err]).toEqual([code, ''])
  })

  test('it exits with 1 for what it can’t read, and says so on standard error', async () => {
    const ran = await pagepass(wordsOf(`${ana} --at noon`))
    expect(ran).toMatchObject({ code: 1, out: '' })
    expect(ran.err).toContain('Write 2026-12-20T18:00+01:00')
  })
})

describe('pagepass rules explain', () => {
  test('says why a request is refused, and what would have to change', async () => {
    const { code, out } = await ran(`${ana} ${retry} ${noon}`)
    expect(code).toBe(3)
    expect(out).toMatchInlineSnapshot(`
      "
      refused: no pass for orders-svc

        who        ana; groups team-payments
        request    POST /v1/orders/7/retry on orders-svc
        at         2026-01-15 12:00 UTC
        reason     grant-missing (403)
        tier       operate, by POST /v1/orders/*/retry                            test/cli/rules/explain.yaml:26
        rules      (hash)

      What was tested
        ✓ held      POST is forwarded
        ✓ held      the path can be read in one way only
        ✓ held      orders-svc is a service
        ✓ held      operate allows POST /v1/orders/*/retry                        test/cli/rules/explain.yaml:26
        ✗ not held  ana holds a pass for orders-svc
        ✓ held      what is known of passes is no older than 2m                   test/cli/rules/explain.yaml:14

      Rules that need no pass
        audits lets auditors in without a pass: does not fit                      test/cli/rules/explain.yaml:45
          ✗ not held  ana is in auditors (role auditor)
          ✗ not held  it admits POST /v1/orders/7/retry

      Freezes
        year-end freezes operate and admin (the books are closed): does not hold  test/cli/rules/explain.yaml:48
          ✗ not held  it is 2026-12-24 00:00 UTC or later

      Asking for operate now gives operate for 1h, at once
        on_request[0] observe and operate at once: decides                        test/cli/rules/explain.yaml:40
          ✓ held      it is about operate
          ✓ held      ana is in payments (group team-payments)
        night observe and operate at once: does not fit                           test/cli/rules/explain.yaml:41
          ✗ not held  ana is in sre (group sre)
          ✗ not held  it is 22:00-06:00 UTC
        on_request[2] admin by approval: does not fit                             test/cli/rules/explain.yaml:42
          ✗ not held  it is about operate
          ✗ not held  ana is in sre (group sre)

      A page would give operate for 2h, at once
        supposing high urgency, level 1, set off by PIDATADOG
        orders-high gives operate for 2h, at once: decides                        test/cli/rules/explain.yaml:30
          ✓ held      the urgency is high
          ✓ held      the level is 1 to 2
          ✓ held      ana is in payments (group team-payments)

      What would have to change
        → ask: /access grant orders-svc 1h operate because …                      test/cli/rules/explain.yaml:40
        → be paged (high urgency, level 1, set off by PIDATADOG): that gives operate for 2h  test/cli/rules/explain.yaml:30
      "
    `)
  })

  test('says by which rule a request is allowed', async () => {
    const { code, out } = await ran(`${ana} ${retry} ${noon} --holds operate`)
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "
      allowed: operate on orders-svc, by a pass of operate (on_request[0])

        who        ana; groups team-payments
        request    POST /v1/orders/7/retry on orders-svc
        at         2026-01-15 12:00 UTC
        tier       operate, by POST /v1/orders/*/retry                            test/cli/rules/explain.yaml:26
        rule       on_request[0]                                                  test/cli/rules/explain.yaml:40
        rules      (hash)

      What was tested
        ✓ held      POST is forwarded
        ✓ held      the path can be read in one way only
        ✓ held      orders-svc is a service
        ✓ held      operate allows POST /v1/orders/*/retry                        test/cli/rules/explain.yaml:26
        ✓ held      ana holds a pass for orders-svc
        ✓ held      what is known of passes is no older than 2m                   test/cli/rules/explain.yaml:14

      The pass: operate, asked for by hand
        ✓ held      it runs from 2026-01-15 12:00 UTC until 2026-01-15 13:00 UTC
        ✓ held      operate is a tier of orders-svc
        ✓ held      it is of environment sandbox
        ✓ held      the rules let it last 1h                                      test/cli/rules/explain.yaml:14
        ✓ held      a rule gives operate to somebody like ana                     test/cli/rules/explain.yaml:40
        ✓ held      it reaches operate

      Rules that need no pass
        audits lets auditors in without a pass: does not fit                      test/cli/rules/explain.yaml:45
          ✗ not held  ana is in auditors (role auditor)
          ✗ not held  it admits POST /v1/orders/7/retry

      Freezes
        year-end freezes operate and admin (the books are closed): does not hold  test/cli/rules/explain.yaml:48
          ✗ not held  it is 2026-12-24 00:00 UTC or later
      "
    `)
  })

  test('says what a page gives, and takes it for held', async () => {
    const { code, out } = await ran(`${ana} ${retry} ${noon} --paged P1 --level 2`)
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "
      allowed: operate on orders-svc, by a pass of operate (orders-high)

        who        ana; groups team-payments
        request    POST /v1/orders/7/retry on orders-svc
        at         2026-01-15 12:00 UTC
        paged      high urgency, P1, level 2, set off by PIDATADOG
        tier       operate, by POST /v1/orders/*/retry                            test/cli/rules/explain.yaml:26
        rule       orders-high                                                    test/cli/rules/explain.yaml:30
        rules      (hash)

      What was tested
        ✓ held      POST is forwarded
        ✓ held      the path can be read in one way only
        ✓ held      orders-svc is a service
        ✓ held      operate allows POST /v1/orders/*/retry                        test/cli/rules/explain.yaml:26
        ✓ held      ana holds a pass for orders-svc
        ✓ held      what is known of passes is no older than 2m                   test/cli/rules/explain.yaml:14

      The pass: operate, by a page
        ✓ held      it runs from 2026-01-15 12:00 UTC until 2026-01-15 14:00 UTC
        ✓ held      operate is a tier of orders-svc
        ✓ held      it is of environment sandbox
        ✓ held      the rules let it last 2h                                      test/cli/rules/explain.yaml:14
        ✓ held      a rule gives operate to somebody like ana                     test/cli/rules/explain.yaml:30
        ✓ held      it reaches operate

      Rules that need no pass
        audits lets auditors in without a pass: does not fit                      test/cli/rules/explain.yaml:45
          ✗ not held  ana is in auditors (role auditor)
          ✗ not held  it admits POST /v1/orders/7/retry

      Freezes
        year-end freezes operate and admin (the books are closed): does not hold  test/cli/rules/explain.yaml:48
          ✗ not held  it is 2026-12-24 00:00 UTC or later

      The page gives operate for 2h, at once
        orders-high gives operate for 2h, at once: decides                        test/cli/rules/explain.yaml:30
          ✓ held      the urgency is high
          ✓ held      the level is 1 to 2
          ✓ held      ana is in payments (group team-payments)
      "
    `)
  })

  test('says where somebody would have to belong, and when to come back', async () => {
    const { code, out } = await ran(`--who bo --groups sre ${retry} ${noon}`)
    expect(code).toBe(3)
    expect(out).toMatchInlineSnapshot(`
      "
      refused: no pass for orders-svc

        who        bo; groups sre
        request    POST /v1/orders/7/retry on orders-svc
        at         2026-01-15 12:00 UTC
        reason     grant-missing (403)
        tier       operate, by POST /v1/orders/*/retry                            test/cli/rules/explain.yaml:26
        rules      (hash)

      What was tested
        ✓ held      POST is forwarded
        ✓ held      the path can be read in one way only
        ✓ held      orders-svc is a service
        ✓ held      operate allows POST /v1/orders/*/retry                        test/cli/rules/explain.yaml:26
        ✗ not held  bo holds a pass for orders-svc
        ✓ held      what is known of passes is no older than 2m                   test/cli/rules/explain.yaml:14

      Rules that need no pass
        audits lets auditors in without a pass: does not fit                      test/cli/rules/explain.yaml:45
          ✗ not held  bo is in auditors (role auditor)
          ✗ not held  it admits POST /v1/orders/7/retry

      Freezes
        year-end freezes operate and admin (the books are closed): does not hold  test/cli/rules/explain.yaml:48
          ✗ not held  it is 2026-12-24 00:00 UTC or later

      Asking for operate now gives nothing: not-eligible
        ✗ not held  a rule lets bo ask for operate now
        on_request[0] observe and operate at once: does not fit                   test/cli/rules/explain.yaml:40
          ✗ not held  bo is in payments (group team-payments)
        night observe and operate at once: does not fit                           test/cli/rules/explain.yaml:41
          ✗ not held  it is 22:00-06:00 UTC
        on_request[2] admin by approval: does not fit                             test/cli/rules/explain.yaml:42
          ✗ not held  it is about operate

      A page would give operate for 2h, when 1 of payments has approved (page-no-rule)
        supposing high urgency, level 1, set off by PIDATADOG
        ✗ not held  a rule for pages like this names bo
        orders-high gives operate for 2h, at once: does not fit                   test/cli/rules/explain.yaml:30
          ✗ not held  bo is in payments (group team-payments)

      What would have to change
        → wait until 2026-01-15 22:00 UTC: the rule is for 22:00-06:00 UTC        test/cli/rules/explain.yaml:41
        → be in payments (group team-payments)                                    test/cli/rules/explain.yaml:40
          then ask: /access grant orders-svc 1h operate because …
      "
    `)
  })

  test('says that a freeze stops what was asked for', async () => {
    const { code, out } = await ran(`${ana} ${retry} --at 2026-12-27 --holds operate`)
    expect(code).toBe(3)
    expect(out).toMatchInlineSnapshot(`
      "
      refused: operate on orders-svc is frozen

        who        ana; groups team-payments
        request    POST /v1/orders/7/retry on orders-svc
        at         2026-12-27 00:00 UTC
        reason     frozen (403)
        tier       operate, by POST /v1/orders/*/retry                    test/cli/rules/explain.yaml:26
        rule       year-end                                               test/cli/rules/explain.yaml:48
        rules      (hash)

      What was tested
        ✓ held      POST is forwarded
        ✓ held      the path can be read in one way only
        ✓ held      orders-svc is a service
        ✓ held      operate allows POST /v1/orders/*/retry                test/cli/rules/explain.yaml:26
        ✓ held      ana holds a pass for orders-svc
        ✓ held      what is known of passes is no older than 2m           test/cli/rules/explain.yaml:14

      The pass: operate, asked for by hand
        ✓ held      it runs from 2026-12-27 00:00 UTC until 2026-12-27 01:00 UTC
        ✓ held      operate is a tier of orders-svc
        ✓ held      it is of environment sandbox
        ✓ held      the rules let it last 1h                              test/cli/rules/explain.yaml:14
        ✓ held      a rule gives operate to somebody like ana             test/cli/rules/explain.yaml:40
        ✓ held      it reaches operate
        ✗ not held  a page rule gave it, which no freeze stops            test/cli/rules/explain.yaml:48

      Rules that need no pass
        audits lets auditors in without a pass: does not fit              test/cli/rules/explain.yaml:45
          ✗ not held  ana is in auditors (role auditor)
          ✗ not held  it admits POST /v1/orders/7/retry

      Freezes
        year-end freezes operate and admin (the books are closed): holds  test/cli/rules/explain.yaml:48
          ✓ held      it is about operate
          ✓ held      it is 2026-12-24 00:00 UTC or later
          ✓ held      it is before 2027-01-02 00:00 UTC

      Asking for operate now gives nothing: frozen
        ✗ not held  operate is not frozen                                 test/cli/rules/explain.yaml:48
        on_request[0] observe and operate at once: decides                test/cli/rules/explain.yaml:40
          ✓ held      it is about operate
          ✓ held      ana is in payments (group team-payments)
        night observe and operate at once: does not fit                   test/cli/rules/explain.yaml:41
          ✗ not held  ana is in sre (group sre)
        on_request[2] admin by approval: does not fit                     test/cli/rules/explain.yaml:42
          ✗ not held  it is about operate
          ✗ not held  ana is in sre (group sre)

      A page would give operate for 2h, at once
        supposing high urgency, level 1, set off by PIDATADOG
        orders-high gives operate for 2h, at once: decides                test/cli/rules/explain.yaml:30
          ✓ held      the urgency is high
          ✓ held      the level is 1 to 2
          ✓ held      ana is in payments (group team-payments)

      What would have to change
        → wait until 2027-01-02 00:00 UTC: the books are closed           test/cli/rules/explain.yaml:48
        → be paged (high urgency, level 1, set off by PIDATADOG): that gives operate for 2h  test/cli/rules/explain.yaml:30
      "
    `)
  })

  test('says what another sign-in would do', async () => {
    const { code, out } = await ran(
      `--who bo --groups sre --method DELETE --path /v1/orders/7 ${noon} --holds admin --acr pwd`,
    )
    expect(code).toBe(3)
    expect(out).toMatchInlineSnapshot(`
      "
      refused: admin on orders-svc needs another sign-in

        who        bo; groups sre; signed in with pwd
        request    DELETE /v1/orders/7 on orders-svc
        at         2026-01-15 12:00 UTC
        reason     sign-in-needed (401)
        tier       admin, by DELETE /v1/orders/*                                  test/cli/rules/explain.yaml:27
        rules      (hash)

      What was tested
        ✓ held      DELETE is forwarded
        ✓ held      the path can be read in one way only
        ✓ held      orders-svc is a service
        ✓ held      admin allows DELETE /v1/orders/*                              test/cli/rules/explain.yaml:27
        ✓ held      bo holds a pass for orders-svc
        ✓ held      what is known of passes is no older than 30s                  test/cli/rules/explain.yaml:15
        ✗ not held  the sign-in is of class mfa                                   test/cli/rules/explain.yaml:27

      The pass: admin, asked for by hand
        ✓ held      it runs from 2026-01-15 12:00 UTC until 2026-01-15 13:00 UTC
        ✓ held      admin is a tier of orders-svc
        ✓ held      it is of environment sandbox
        ✓ held      the rules let it last 1h                                      test/cli/rules/explain.yaml:15
        ✓ held      a rule gives admin to somebody like bo                        test/cli/rules/explain.yaml:42
        ✓ held      it was approved by 2 of sre (group sre) or payments (group team-payments)  test/cli/rules/explain.yaml:15
        ✓ held      it reaches admin

      Rules that need no pass
        audits lets auditors in without a pass: does not fit                      test/cli/rules/explain.yaml:45
          ✗ not held  bo is in auditors (role auditor)
          ✗ not held  it admits DELETE /v1/orders/7

      Freezes
        year-end freezes operate and admin (the books are closed): does not hold  test/cli/rules/explain.yaml:48
          ✗ not held  it is 2026-12-24 00:00 UTC or later

      Asking for admin now gives admin for 1h, when 2 of sre or payments have approved
        on_request[0] observe and operate at once: does not fit                   test/cli/rules/explain.yaml:40
          ✗ not held  it is about admin
          ✗ not held  bo is in payments (group team-payments)
        night observe and operate at once: does not fit                           test/cli/rules/explain.yaml:41
          ✗ not held  it is about admin
          ✗ not held  it is 22:00-06:00 UTC
        on_request[2] admin by approval: decides                                  test/cli/rules/explain.yaml:42
          ✓ held      it is about admin
          ✓ held      bo is in sre (group sre)

      A page would give operate for 2h, when 1 of payments has approved (page-no-rule)
        supposing high urgency, level 1, set off by PIDATADOG
        ✗ not held  a rule for pages like this names bo
        orders-high gives operate for 2h, at once: does not fit                   test/cli/rules/explain.yaml:30
          ✗ not held  bo is in payments (group team-payments)

      What would have to change
        → sign in again with class mfa                                            test/cli/rules/explain.yaml:27
      "
    `)
  })

  test('says that no pass is needed', async () => {
    const { code, out } = await ran(`--who ian --roles auditor --method GET --path /v1/orders?x=1 ${noon}`)
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "
      allowed: observe on orders-svc, by audits, without a pass

        who        ian; no groups; roles auditor
        request    GET /v1/orders?x=1 on orders-svc
        at         2026-01-15 12:00 UTC
        tier       observe, by GET /**                                            test/cli/rules/explain.yaml:25
        rule       audits                                                         test/cli/rules/explain.yaml:45
        rules      (hash)

      What was tested
        ✓ held      GET is forwarded
        ✓ held      the path can be read in one way only
        ✓ held      orders-svc is a service
        ✓ held      observe allows GET /**                                        test/cli/rules/explain.yaml:25
        ✗ not held  ian holds a pass for orders-svc
        ✓ held      what is known of passes is no older than 15m                  test/cli/rules/explain.yaml:13

      Rules that need no pass
        audits lets auditors in without a pass: decides                           test/cli/rules/explain.yaml:45
          ✓ held      ian is in auditors (role auditor)
          ✓ held      it admits GET /**

      Freezes
        year-end freezes operate and admin (the books are closed): does not hold  test/cli/rules/explain.yaml:48
          ✗ not held  it is about observe
          ✗ not held  it is 2026-12-24 00:00 UTC or later
      "
    `)
  })

  test('says that a path can be read in two ways', async () => {
    const { code, out } = await ran(`${ana} --method GET --path /v1/../admin ${noon}`)
    expect(code).toBe(3)
    expect(out).toMatchInlineSnapshot(`
      "
      refused: the path can be read in more than one way

        who        ana; groups team-payments
        request    GET /v1/../admin on orders-svc
        at         2026-01-15 12:00 UTC
        reason     target-not-canonical (400)
        rules      (hash)

      What was tested
        ✓ held      GET is forwarded
        ✗ not held  the path can be read in one way only
        ✓ held      orders-svc is a service

      What would have to change
        → send a path that begins with / and every server reads alike: without //, /./, /../, ; and needless escapes
      "
    `)
  })

  test('without a request says what may be asked for, and what a page gives', async () => {
    const { code, out } = await ran(`${ana} ${noon} --trigger self`)
    expect(code).toBe(0)
    expect(out).toMatchInlineSnapshot(`
      "
      ana may ask for observe or operate on orders-svc

        who        ana; groups team-payments
        at         2026-01-15 12:00 UTC
        paged      high urgency, level 1, set off by themselves

      Asking for observe now gives observe for 1h, at once
        on_request[0] observe and operate at once: decides                       test/cli/rules/explain.yaml:40
          ✓ held      it is about observe
          ✓ held      ana is in payments (group team-payments)
        night observe and operate at once: does not fit                          test/cli/rules/explain.yaml:41
          ✗ not held  ana is in sre (group sre)
          ✗ not held  it is 22:00-06:00 UTC
        on_request[2] admin by approval: does not fit                            test/cli/rules/explain.yaml:42
          ✗ not held  it is about observe
          ✗ not held  ana is in sre (group sre)
        → /access grant orders-svc 1h observe

      Asking for operate now gives operate for 1h, at once
        on_request[0] observe and operate at once: decides                       test/cli/rules/explain.yaml:40
          ✓ held      it is about operate
          ✓ held      ana is in payments (group team-payments)
        night observe and operate at once: does not fit                          test/cli/rules/explain.yaml:41
          ✗ not held  ana is in sre (group sre)
          ✗ not held  it is 22:00-06:00 UTC
        on_request[2] admin by approval: does not fit                            test/cli/rules/explain.yaml:42
          ✗ not held  it is about operate
          ✗ not held  ana is in sre (group sre)
        → /access grant orders-svc 1h operate because …

      Asking for admin now gives nothing: not-eligible
        ✗ not held  a rule lets ana ask for admin now
        on_request[0] observe and operate at once: does not fit                  test/cli/rules/explain.yaml:40
          ✗ not held  it is about admin
        night observe and operate at once: does not fit                          test/cli/rules/explain.yaml:41
          ✗ not held  it is about admin
          ✗ not held  ana is in sre (group sre)
          ✗ not held  it is 22:00-06:00 UTC
        on_request[2] admin by approval: does not fit                            test/cli/rules/explain.yaml:42
          ✗ not held  ana is in sre (group sre)
        → be in sre (group sre)                                                  test/cli/rules/explain.yaml:42
          then ask: /access grant orders-svc 1h admin because CHG-…

      The page gives operate for 2h, as an offer to take (page-by-self)
        ✗ not held  ana did not set the incident off
        ✗ not held  what set it off is among the trusted triggers of orders-svc  test/cli/rules/explain.yaml:21
        orders-high gives operate for 2h, at once: decides                       test/cli/rules/explain.yaml:30
          ✓ held      the urgency is high
          ✓ held      the level is 1 to 2
          ✓ held      ana is in payments (group team-payments)
      "
    `)
  })

  test('says what a proxy that is behind would decide', async () => {
    const { code, out } = await ran(`${ana} ${retry} ${noon} --holds operate --stale 2m1s`)
    expect(code).toBe(3)
    expect(out).toContain('refused: what is known of passes for orders-svc is too old')
    expect(out).toContain('  passes     as they were known 2m1s ago\n')
    expect(out).toMatch(/✗ not held {2}what is known of passes is no older than 2m /)
    expect((await explain(`${ana} ${retry} ${noon} --holds operate --stale 2m`)).code).toBe(0)
  })

  test('says what somebody would get who is not active', async () => {
    const { code, out } = await ran(`${ana} ${noon} --inactive`)
    expect(code).toBe(3)
    expect(out).toContain('ana may ask for nothing on orders-svc')
    expect(out).toContain('  who        ana; groups team-payments; not active\n')
    expect(out).toContain('Asking for operate now gives nothing: person-inactive')
  })

  test('says the same as JSON', async () => {
    const { code, out } = await explain(`${ana} ${retry} ${noon} --json`)
    expect(code).toBe(3)
    expect(out.endsWith('}\n')).toBe(true)
    const it = JSON.parse(out)
    expect(it).toMatchObject({
      now: Date.UTC(2026, 0, 15, 12),
      decision: { allow: false, reason: 'grant-missing', needs: 'operate' },
      route: { tier: 'operate', where: 'test/cli/rules/explain.yaml:26' },
      asking: { decision: { give: true, service: 'orders-svc', tier: 'operate', rule: 'on_request[0]' } },
      paging: { decision: { give: true, state: 'active', rule: 'orders-high' } },
    })
    expect(it.mends.map(({ kind }: { kind: string }) => kind)).toEqual(['ask', 'page'])
    expect(JSON.parse((await explain(`${ana} ${noon} --json`)).out).asking).toHaveLength(3)
  })

  test.each([
    ['a method without a path', `${ana} --method GET`, 'say both --method and --path, or neither'],
    ['no time', `${ana} --at noon`, 'Write 2026-12-20T18:00+01:00'],
    ['no duration', `${ana} --signed-in 3`, 'Write 20m, 2h or 1h30m.'],
    ['no pass', `${ana} --holds a:b`, 'Write a tier: operate, or page:operate.'],
    ['no age', `${ana} --stale 3`, 'Write 20m, 2h or 1h30m.'],
    ['no level', `${ana} --level first`, 'Write a number from 1.'],
    ['no rule set', `${ana} --rules none.yaml`, 'can’t be read'.replace('’', "'")],
  ])('exits with 1 for what is %s', async (_, words, text) => {
    const { code, out, err } = await explain(words)
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(text)
  })
})
