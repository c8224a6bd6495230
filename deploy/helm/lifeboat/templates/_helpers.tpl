{{- define "lifeboat.name" -}}
{{- printf "%s" .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{/* A release may be called a.b, a Service may not. */}}
{{- define "lifeboat.fullname" -}}
{{- $release := .Release.Name | replace "." "-" -}}
{{- if contains .Chart.Name $release -}}
{{- $release | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" $release .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* Numbers are floating to Helm: 1000000 would become 1e+06. */}}
{{- define "lifeboat.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}{{ printf "%.0f" . }}{{- else -}}{{ toString . }}{{- end -}}
{{- end -}}

{{- define "lifeboat.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lifeboat.labels" -}}
{{ include "lifeboat.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "lifeboat.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "lifeboat.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ .Values.serviceAccount.name | default (include "lifeboat.fullname" .) }}
{{- else -}}
{{ required "serviceAccount.name: give the account that exists, or set serviceAccount.create" .Values.serviceAccount.name }}
{{- end -}}
{{- end -}}

{{/* Nobody but this user, no new rights, nothing written outside the volumes. */}}
{{- define "lifeboat.podSecurity" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile: { type: RuntimeDefault }
{{- end -}}

{{- define "lifeboat.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end -}}

{{/* Paths that are served from outside, all on one port, which isn't the internal one. */}}
{{- define "lifeboat.publicPaths" -}}
{{- if eq (int .Values.public.port) (int .Values.health.port) }}{{ fail "public.port: health.port is the same; what is internal is never served outside" }}{{ end }}
{{- if .Values.public.slack }}
- { path: /slack/events, type: Exact }
{{- end }}
{{- if .Values.public.pagerduty }}
- { path: /pagerduty/webhook, type: Exact }
{{- end }}
{{- if .Values.public.alerts }}
- { path: /alerts, type: Prefix }
{{- end }}
{{- if .Values.public.statusPage }}
- { path: /, type: Prefix }
{{- end }}
{{- end -}}

{{- define "lifeboat.systemsFolder" -}}
{{- if .Values.systems.files -}}/etc/lifeboat/systems{{- else -}}{{ .Values.systems.folder }}{{- end -}}
{{- end -}}

{{/* Settings of the bot and of its migration alike: they read one configuration. */}}
{{- define "lifeboat.settings" -}}
- { name: LIFEBOAT_SYSTEMS, value: {{ include "lifeboat.systemsFolder" . | quote }} }
{{- if .Values.systems.values }}
- { name: LIFEBOAT_VALUES, value: /etc/lifeboat/values/values.yml }
{{- end }}
{{- if .Values.systems.drillValues }}
- { name: LIFEBOAT_DRILL_VALUES, value: /etc/lifeboat/values/drill-values.yml }
{{- end }}
{{- if include "lifeboat.publicPaths" . | fromYamlArray }}
- { name: LIFEBOAT_PUBLIC_LISTEN, value: "0.0.0.0:{{ .Values.public.port }}" }
{{- end }}
{{- range $name, $value := .Values.settings }}
- { name: {{ $name }}, value: {{ include "lifeboat.text" $value | quote }} }
{{- end }}
{{- end -}}

{{- define "lifeboat.mounts" -}}
- { name: scratch, mountPath: /tmp }
{{- if .Values.systems.files }}
- { name: systems, mountPath: /etc/lifeboat/systems, readOnly: true }
{{- end }}
{{- if or .Values.systems.values .Values.systems.drillValues }}
- { name: values, mountPath: /etc/lifeboat/values, readOnly: true }
{{- end }}
{{- end -}}

{{- define "lifeboat.volumes" -}}
- name: scratch
  emptyDir: {}
{{- if .Values.systems.files }}
- name: systems
  configMap:
    name: {{ include "lifeboat.fullname" . }}-systems
    items:
      {{- range $path, $_ := .Values.systems.files }}
      - { key: {{ replace "/" "__" $path | quote }}, path: {{ $path | quote }} }
      {{- end }}
{{- end }}
{{- if or .Values.systems.values .Values.systems.drillValues }}
- name: values
  configMap: { name: {{ include "lifeboat.fullname" . }}-values }
{{- end }}
{{- end -}}
