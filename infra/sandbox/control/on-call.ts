import { services } from '../pagerduty/account.ts'
import { userIdReference } from '../pagerduty/references.ts'
import type { Answer, Call, Sandbox } from './call.ts'
import { countField, personField, serviceField, wordField } from './fields.ts'

export const listOnCall: Call = {
  method: 'GET',
  path: '/oncall',
  does: 'Tells who is on call for each service, by level.',
  example: { path: '/oncall' },
  answer: (sandbox) => onCall(sandbox),
}

export const changeOnCall: Call = {
  method: 'POST',
  path: '/oncall',
  takes: ['service', 'who', 'level', 'how'],
  does: 'Changes the shift: who= is on call from now on, at level= (1). how=override as if somebody had put it over the schedule.',
  example: { path: '/oncall', fields: ['service=orders-svc', 'who=cho'] },
  answer: (sandbox, fields) => {
    const service = serviceField(fields)
    const how = fields['how'] === undefined ? 'shift' : wordField(fields, 'how', ['shift', 'override'])
    const { user } = personField(fields, 'who').pagerduty
    sandbox.pagerduty.incidents.changeShift(
      service,
      user,
      countField(fields, 'level') ?? 1,
      how === 'override',
    )
    return onCall(sandbox)
  },
}

const onCall = ({ pagerduty }: Sandbox): Answer => {
  const all = services.map((service) => ({
    service: service.name,
    on_call: service.onCall.flatMap((_, index) => pagerduty.incidents.onCallAt(service, index + 1)),
  }))
  const lines = all.map(
    ({ service, on_call }) =>
      `${service}: ${on_call.map((user) => userIdReference(user).summary).join(', ')}`,
  )
  return { text: lines.join('\n'), json: all }
}
