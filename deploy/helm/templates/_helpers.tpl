{{- define "token-server.labels" -}}
{{ include "token-server.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "token-server.selector" -}}
app.kubernetes.io/name: token-server
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "token-server.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- define "token-server.pod-security" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "token-server.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- /* Every setting, for a ConfigMap and for the Jobs that run before it is there. */ -}}
{{- define "token-server.settings" -}}
{{- $made := dict
    "SECRET_FILE" "/run/token-server/secret"
    "DATABASE_URL_FILE" "/run/token-server/database-url"
    "TLS_CERT" "/run/token-server-tls/tls.crt"
    "TLS_KEY" "/run/token-server-tls/tls.key"
    "OPS_LISTEN" "0.0.0.0:2601" -}}
{{- if .Values.admin.enabled -}}
{{- $_ := set $made "ADMIN_LISTEN" (printf "0.0.0.0:%v" .Values.admin.port) -}}
{{- if .Values.admin.origin -}}{{- $_ := set $made "ADMIN_ORIGIN" .Values.admin.origin -}}{{- end -}}
{{- else -}}
{{- $_ := set $made "ADMIN" "off" -}}
{{- end -}}
{{- range $name, $value := .Values.settings -}}
{{- if hasKey $made $name -}}{{- fail (printf "settings.%s: the chart makes this setting itself" $name) -}}{{- end -}}
{{- $_ := set $made $name (toString $value) -}}
{{- end -}}
{{- $_ := required "settings.ISSUER is required: the URL of the service, such as https://tokens.example.com" .Values.settings.ISSUER -}}
{{- toYaml $made -}}
{{- end }}

{{- define "token-server.env" -}}
{{- range $name, $value := include "token-server.settings" . | fromYaml }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "token-server.mounts" -}}
- name: secret
  mountPath: /run/token-server
  readOnly: true
- name: tls
  mountPath: /run/token-server-tls
  readOnly: true
{{- end }}

{{- /* The volumes, with the secret of this name. */ -}}
{{- define "token-server.volumes" -}}
- name: secret
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items:
      - key: {{ .root.Values.secrets.secretKey }}
        path: secret
      - key: {{ .root.Values.secrets.databaseUrlKey }}
        path: database-url
# A renewed certificate is noticed; no restart.
- name: tls
  secret:
    secretName: {{ .root.Values.secrets.tls }}
    defaultMode: 0440
{{- end }}
