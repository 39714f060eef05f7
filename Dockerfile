FROM python:3.13-slim
WORKDIR /srv/model-zone
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY gunicorn.conf.py start_backend.py ./
COPY flask_api flask_api
RUN useradd --system --home-dir /srv/model-zone model-zone \
    && mkdir -p /data/instance /data/logs && chown -R model-zone /data
USER model-zone
ENV FLASK_HOST=0.0.0.0 FLASK_PORT=5000 PYTHONUNBUFFERED=1 \
    INSTANCE_FOLDER=/data/instance LOG_FOLDER=/data/logs
VOLUME /data
EXPOSE 5000
HEALTHCHECK CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:5000/live', timeout=3)"]
# exec form: gunicorn is process 1 and gets SIGTERM itself
CMD ["gunicorn", "--worker-class", "eventlet", "-w", "1", "flask_api.app:create_app()"]
