import { expect, test } from 'vitest'
import { readCases } from '#access/rules/cases/read-cases.ts'
import { explainCommand } from '../../../cli/rules/explain-command.ts'
import { parsedOf } from '../../builders.ts'

test('The command that explains a case says its lengths in full', () => {
  const bytes = `at: 2026-11-20T12:00Z
people: { ana: { groups: [sre], signed_in: 1d2h3m4s } }
cases: [{ who: ana, service: orders-svc, request: GET /v1, expect: refused }]
`
  const read = readCases(parsedOf(), [{ name: 'access.test.yaml', bytes }])
  const [one] = read.ok ? read.cases : []
  expect(one && explainCommand('access.yaml', one)).toContain(' --signed-in 1d2h3m4s ')
})
