-- A dump as mysqldump writes it, with the traps of each column.
/*!40101 SET NAMES utf8mb4 */;
DROP TABLE IF EXISTS `xxl_job_info`;
CREATE TABLE `xxl_job_info` (
  `id` int NOT NULL AUTO_INCREMENT,
  `job_group` int NOT NULL,
  `job_desc` varchar(255) NOT NULL,
  `add_time` datetime DEFAULT NULL,
  `author` varchar(64) DEFAULT NULL,
  `alarm_email` varchar(255) DEFAULT NULL,
  `schedule_type` varchar(50) NOT NULL DEFAULT 'NONE',
  `schedule_conf` varchar(128) DEFAULT NULL,
  `misfire_strategy` varchar(50) NOT NULL DEFAULT 'DO_NOTHING',
  `executor_route_strategy` varchar(50) DEFAULT NULL,
  `executor_handler` varchar(255) DEFAULT NULL,
  `executor_param` varchar(512) DEFAULT NULL,
  `executor_block_strategy` varchar(50) DEFAULT NULL,
  `executor_timeout` int NOT NULL DEFAULT '0',
  `executor_fail_retry_count` int NOT NULL DEFAULT '0',
  `glue_type` varchar(50) NOT NULL,
  `glue_source` mediumtext,
  `glue_remark` varchar(128) DEFAULT NULL,
  `child_jobid` varchar(255) DEFAULT NULL,
  `trigger_status` tinyint NOT NULL DEFAULT '0',
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
INSERT INTO `xxl_job_info` VALUES (1,1,'nightly bills','2026-01-01 00:00:00','ada','','CRON','0 30 2 ? * 2-6','DO_NOTHING','FIRST','billsHandler','{\"to\":\"it''s\\n(a);b\"}','SERIAL_EXECUTION',30,2,'BEAN','','','2,99',1),(2,1,'ship','2026-01-01 00:00:00','ada','ops@example.com','FIX_RATE','45','FIRE_ONCE_NOW','SHARDING_BROADCAST','ship.handler',NULL,'DISCARD_LATER',0,0,'BEAN','','','',0);
INSERT INTO `xxl_job_info` VALUES (3,1,'last day','2026-01-01 00:00:00','ada','','CRON','0 0 3 L * ? 2027-2029','DO_NOTHING','CONSISTENT_HASH','lastDay','','COVER_EARLY',0,0,'BEAN','','','',1);
INSERT INTO `xxl_job_info` (`id`,`job_desc`,`schedule_type`,`schedule_conf`,`misfire_strategy`,`executor_handler`,`glue_type`,`trigger_status`) VALUES
(4,'每月账单','CRON','0 0 9 ? * 6#3','DO_NOTHING','monthly','BEAN',1),
(5,'nearest weekday','CRON','0 0 9 15W * ?','DO_NOTHING','weekday','BEAN',1),
(6,'last weekday','CRON','0 0 9 LW * ?','DO_NOTHING','weekday','BEAN',1),
(7,'three days before','CRON','0 0 9 L-3 * ?','DO_NOTHING','before','BEAN',1),
(8,'odd years','CRON','0 0 9 1 1 ? 2027,2029','DO_NOTHING','odd','BEAN',1),
(9,'last friday','CRON','0 0 9 ? * 6L','DO_NOTHING','friday','BEAN',1),
(10,'saturday','CRON','0 0 9 ? * L','DO_NOTHING','saturday','BEAN',1),
(11,'steps','CRON','0/10 0 9 ? * 2/2','DO_NOTHING','steps','BEAN',1),
(12,'over the weekend','CRON','0 0 9 ? * 6-2','DO_NOTHING','weekend','BEAN',1),
(13,'nightly bills','NONE','','DO_NOTHING','billsHandler','BEAN',1),
(14,'both days','CRON','0 0 9 1 * 2','DO_NOTHING','both','BEAN',1),
(15,'named days','CRON','0 0 9 ? * MON,wed-FRI *','DO_NOTHING','named','BEAN',1);
INSERT INTO `xxl_job_info` (`id`,`job_desc`,`schedule_type`,`schedule_conf`,`executor_handler`,`executor_param`,`glue_type`,`glue_source`,`trigger_status`) VALUES (16,'shell','FIX_RATE','3600','','all','GLUE_SHELL','#!/bin/bash\necho "$1"\n',1),(17,'groovy','CRON','0 0 9 * * ?','','','GLUE_GROOVY','package x;',1);
INSERT INTO `xxl_job_group` VALUES (1,'bills','Bills',0,NULL,'2026-01-01 00:00:00');
