// Reads an AsyncAPI document with AsyncAPI's own parser, and each Avro payload with an Avro library.
// Prints what they find, and exits with 1 if anything of it is an error.
import { readFile } from 'node:fs/promises'
import { AvroSchemaParser } from '@asyncapi/avro-schema-parser'
import { DiagnosticSeverity, Parser } from '@asyncapi/parser'

const avro = AvroSchemaParser()
const text = await readFile(process.argv[2], 'utf8')
const { document, diagnostics } = await new Parser({ schemaParsers: [avro] }).parse(text)

// The parser turns the payloads of version 3 into JSON Schema without validating them first.
const payloads = Object.entries(JSON.parse(text).components?.messages ?? {}).filter(
  ([, message]) => avro.getMimeTypes().includes(message.payload?.schemaFormat),
)
for (const [name, { payload }] of payloads) {
  for (const { message } of await avro.validate({ data: payload.schema })) {
    diagnostics.push({ severity: DiagnosticSeverity.Error, message, path: ['components', 'messages', name, 'payload'] })
  }
}

for (const { severity, message, path } of diagnostics) {
  console.log(`${DiagnosticSeverity[severity]}: ${path.join('/')}: ${message}`)
}
const errors = diagnostics.filter(({ severity }) => severity === DiagnosticSeverity.Error)
console.log(
  `${document?.channels().length ?? 'no'} channels, ${document?.operations().length ?? 'no'} operations, ` +
    `${payloads.length} Avro payloads, ${errors.length} errors`,
)
process.exitCode = errors.length ? 1 : 0
